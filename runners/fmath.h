/* fmath.h -- exp, tanh, silu, gelu, sigmoid and softplus in float32, written once for any number of
 * lanes.
 *
 * The including file defines INLINE, the vector type vf, its mask vm and its 32-bit integers vi
 * with the operations v_* and i_* (kernels_ref.c: one lane; kernels_simd.h: 16), each of which is
 * one IEEE operation per lane.  So every instance does the same operations in the same order and
 * gives the same bits.  v_min and v_max return the second operand when a comparison with NaN
 * decides, which is how NaN gets through a clamp.
 *
 * Errors against double, in ulp: exp 1.01, tanh 1.47, silu 1.09, gelu_tanh 1.34, gelu_erf 1.91,
 * sigmoid 1.0, softplus 1.8 (tests/test_fmath.c holds all of them to 2).
 * The coefficients are minimax fits made for these intervals and this order of evaluation. */
#ifndef RUNNERS_FMATH_H
#define RUNNERS_FMATH_H

/* e^r - 1 for |r| <= 0.36 */
INLINE vf exp_fraction(vf r)
{
    vf q = v_fma(r, v_set(0x1.6a491cp-10f), v_set(0x1.1240ecp-7f));
    q = v_fma(q, r, v_set(0x1.5558eap-5f));
    q = v_fma(q, r, v_set(0x1.555488p-3f));
    q = v_fma(q, r, v_set(0x1.fffffcp-2f));
    return v_fma(v_mul(r, r), q, r);
}

/* z - n ln 2, ln 2 in two parts */
INLINE vf exp_reduce(vf z, vf n)
{
    vf r = v_fma(n, v_set(-0x1.62e43p-1f), z);
    return v_fma(n, v_set(0x1.05c61p-29f), r);
}

/* For z <= 0 or NaN, clamped at -120: n = z / ln 2 rounded, and *scale = 2^(n+64).  e^z is
 * (1 + exp_fraction) * *scale * 2^-64, so that a result below the normal range is rounded once, by
 * the last product.  (Adding 1.5 * 2^23 rounds; the 64 + 127 in the sum are the exponent.) */
INLINE vf exp_split(vf z, vf *scale)
{
    const vf magic = v_set(0x1.8p23f + 191);
    vf t = v_fma(z, v_set(0x1.715476p+0f), magic);
    *scale = v_of_bits(i_shift23(v_bits(t)));
    return v_sub(t, magic);
}

/* exp where x is at most 0 or NaN: the bits of v_exp with fewer operations */
INLINE vf v_exp_down(vf x)
{
    vf z = v_max(v_set(-120), x), scale, n = exp_split(z, &scale);
    vf p = v_add(v_set(1), exp_fraction(exp_reduce(z, n)));
    return v_mul(v_mul(p, scale), v_set(0x1p-64f));
}

INLINE vf v_exp(vf x)
{
    const vf magic = v_set(0x1.8p23f + 127);
    vf z = v_min(v_set(90), v_max(v_set(-120), x));
    vf t = v_fma(z, v_set(0x1.715476p+0f), magic), n = v_sub(t, magic);
    vf p = v_add(v_set(1), exp_fraction(exp_reduce(z, n)));
    /* 2^n, beyond the exponents of a float on both sides, by two factors */
    vf up = v_min(v_max(n, v_set(-60)), v_set(60)), rest = v_sub(n, up);
    vf s1 = v_of_bits(i_shift23(v_bits(v_add(up, magic))));
    vf s2 = v_of_bits(i_shift23(v_bits(v_add(rest, magic))));
    return v_mul(v_mul(p, s1), s2);
}

INLINE vf v_tanh(vf x)
{
    vf a = v_abs(x), a2 = v_mul(a, a);
    vf q = v_fma(a2, v_set(-0x1.7d5e4p-8f), v_set(0x1.53b894p-6f));
    q = v_fma(q, a2, v_set(-0x1.b875d2p-5f));
    q = v_fma(q, a2, v_set(0x1.1108cp-3f));
    q = v_fma(q, a2, v_set(-0x1.55553ap-2f));
    vf small = v_fma(v_mul(q, a2), a, a);
    vf e = v_exp_down(v_mul(a, v_set(-2))); /* 1 - 2e/(1+e) */
    vf big = v_sub(v_set(1), v_div(v_add(e, e), v_add(v_set(1), e)));
    return v_copysign(v_select(v_lt(a, v_set(0.61f)), small, big), x);
}

/* x / (1 + e^-(z + low)), where z has the sign of x.  With e = exp(-|z + low|) that is x/(1+e) for
 * positive x and x*e/(1+e) for negative; the quotient is corrected by the remainders of the
 * product and of the sum, which leaves the error of e and of one rounding. */
INLINE vf x_sigmoid(vf x, vf z, vf low)
{
    vf one = v_set(1), zero = v_set(0), unscale = v_set(0x1p-64f), scale;
    vm negative = v_lt(x, zero);
    vf down = v_sub(zero, v_abs(z)), n = exp_split(down, &scale), r = exp_reduce(down, n);
    vf f = exp_fraction(v_add(r, v_select(negative, low, v_sub(zero, low))));
    vf p = v_add(one, f), p_low = v_add(v_sub(one, p), f);
    vf e = v_mul(v_mul(p, scale), unscale);
    vf d = v_add(one, e), d_low = v_add(v_sub(one, d), e);
    vf top = v_select(negative, p, one), top_low = v_select(negative, p_low, zero);
    vf m = v_mul(x, top), m_low = v_fma(x, top, v_sub(zero, m));
    m_low = v_fma(x, top_low, m_low);
    vf inverse = v_div(one, d), quotient = v_mul(m, inverse), minus = v_sub(zero, quotient);
    vf rest = v_fma(minus, d_low, v_add(v_fma(minus, d, m), m_low));
    quotient = v_fma(rest, inverse, quotient);
    vf scaled = v_mul(v_mul(quotient, scale), unscale);
    return v_copysign(v_select(negative, scaled, quotient), x); /* x = -0 too */
}

INLINE vf v_silu(vf x)
{
    vf y = v_max(v_set(-120), x);
    y = v_min(v_set(120), y);
    return v_select(v_lt(v_set(40), x), x, x_sigmoid(y, y, v_set(0)));
}

INLINE vf v_sigmoid(vf x)
{
    vf y = v_min(v_set(120), v_max(v_set(-120), x));
    return v_abs(x_sigmoid(v_copysign(v_set(1), y), y, v_set(0)));
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + e), e = exp(-|x|) in 0..1: e + e^2 q(e). */
INLINE vf v_softplus(vf x)
{
    vf e = v_exp_down(v_sub(v_set(0), v_abs(x)));
    vf q = v_fma(e, v_set(0x1.114634p-9f), v_set(-0x1.c0b4ep-7f));
    q = v_fma(q, e, v_set(0x1.590890p-5f));
    q = v_fma(q, e, v_set(-0x1.54f65cp-4f));
    q = v_fma(q, e, v_set(0x1.ff2be2p-4f));
    q = v_fma(q, e, v_set(-0x1.4a733cp-3f));
    q = v_fma(q, e, v_set(0x1.978b6ep-3f));
    q = v_fma(q, e, v_set(-0x1.ffc5a0p-3f));
    q = v_fma(q, e, v_set(0x1.5553b6p-2f));
    q = v_fma(q, e, v_set(-0x1.fffff8p-2f));
    return v_add(v_max(x, v_set(0)), v_fma(v_mul(e, e), q, e));
}

/* x * sigmoid(2u), u = sqrt(2/pi) * (x + 0.044715 x^3).  2u reaches hundreds and its absolute error
 * becomes the relative error of the result, so it is carried in two floats. */
INLINE vf v_gelu_tanh(vf x)
{
    const vf b = v_set(0x1.2444f2p-4f), b_low = v_set(0x1.49b16ap-29f);
    const vf c = v_set(0x1.988454p+0f), c_low = v_set(-0x1.857936p-25f);
    vf y = v_min(v_set(11.25f), v_max(v_set(-11.25f), x));
    vf y2 = v_mul(y, y), y2_low = v_fma(y, y, v_sub(v_set(0), y2));
    vf m = v_mul(b, y2), m_low = v_fma(b, y2, v_sub(v_set(0), m));
    m_low = v_fma(b, y2_low, v_fma(b_low, y2, m_low));
    vf s = v_add(c, m), back = v_sub(s, c);
    vf s_low = v_add(v_sub(c, v_sub(s, back)), v_sub(m, back));
    s_low = v_add(v_add(s_low, m_low), c_low);
    vf z = v_mul(y, s), z_low = v_fma(y, s, v_sub(v_set(0), z));
    z_low = v_fma(y, s_low, z_low);
    return v_select(v_lt(v_set(10), x), x, x_sigmoid(y, z, z_low));
}

/* t (1 - Phi(t)) exp(t^2/2) for 0.7 <= t <= 15: a polynomial in t - 1.6875 (which
 * is exact) up to 2.75, in 1/t beyond. */
INLINE vf gelu_tail(vf t)
{
    static const float c[12][2] = {
        {-0x1.929cf2p-19f, 0},
        {0x1.9ed284p-17f, 0},
        {-0x1.457af4p-15f, -0x1.8b071ap+1f},
        {0x1.23e008p-13f, 0x1.e5f70cp+1f},
        {-0x1.fa9648p-12f, 0x1.8f5e9ap-3f},
        {0x1.95cd34p-10f, -0x1.6a693ep+1f},
        {-0x1.2cd1aap-8f, 0x1.cf4b0ap+0f},
        {0x1.95cf98p-7f, -0x1.3cebdp-4f},
        {-0x1.e26c3ap-6f, -0x1.9296ecp-2f},
        {0x1.da458ap-5f, -0x1.f15472p-13f},
        {0x1.f209c8p-27f, -0x1.50bb34p-27f},
        {0x1.48583ap-2f, 0x1.988566p-2f}, /* the last one in two parts */
    };
    vm near = v_lt(t, v_set(2.75f));
    vf u = v_select(near, v_sub(t, v_set(1.6875f)), v_div(v_set(1), t));
    vf g = v_select(near, v_set(c[0][0]), v_set(c[0][1]));
    for (int i = 1; i < 11; i++)
        g = v_fma(g, u, v_select(near, v_set(c[i][0]), v_set(c[i][1])));
    return v_add(g, v_select(near, v_set(c[11][0]), v_set(c[11][1])));
}

/* x * Phi(x).  Below 0.7 in magnitude x/2 + x^2 q(x^2); beyond, with the tail
 * T = |x| (1 - Phi(|x|)) = exp(-x^2/2) * gelu_tail: -T on the left, x - T on the right. */
INLINE vf v_gelu_erf(vf x)
{
    vf t = v_min(v_set(15), v_abs(x)), t2 = v_mul(t, t);
    vf t2_low = v_fma(t, t, v_sub(v_set(0), t2));
    vf q = v_fma(t2, v_set(-0x1.f2702ep-18f), v_set(0x1.d95c68p-14f));
    q = v_fma(q, t2, v_set(-0x1.36d29ap-10f));
    q = v_fma(q, t2, v_set(0x1.46cbecp-7f));
    q = v_fma(q, t2, v_set(-0x1.105824p-4f));
    q = v_fma(q, t2, v_set(0x1.988454p-2f));
    vf inner = v_copysign(v_fma(t2, q, v_mul(x, v_set(0.5f))), x); /* x = -0 too */
    vf g = gelu_tail(t);
    vf z = v_mul(t2, v_set(-0.5f)), scale, r = exp_reduce(z, exp_split(z, &scale));
    vf f = exp_fraction(v_fma(t2_low, v_set(-0.5f), r));
    vf p = v_add(v_set(1), f), p_low = v_add(v_sub(v_set(1), p), f);
    vf tail = v_mul(v_fma(p, g, v_mul(p_low, g)), scale), unscale = v_set(-0x1p-64f);
    vf right = v_fma(tail, unscale, x), left = v_mul(tail, unscale);
    vf outer = v_select(v_lt(x, v_set(0)), left, right);
    return v_select(v_lt(t, v_set(0.7f)), inner, outer);
}

#endif
