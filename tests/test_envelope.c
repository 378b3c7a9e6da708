/* What fits a device: numbers by hand. */
#include "tests/test.h"

#include "harness/envelope.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct envelope_device device = {"d", "made up", 100e9, 1e12, 16e9, 20, 1, 1, 0, 0};
static const struct envelope_want want = {10, 2, NAN, 1000, 1};

static void a_token_costs_the_longer_of_reading_and_computing(void **state)
{
    const struct envelope_model m = {5e9, 1e5, 10e9, 8e9, 40};
    struct envelope_device slow = device;

    (void)state;
    assert_close(envelope_decode_tok_s(&device, &m, 0), 20, 1e-12);
    assert_close(envelope_decode_tok_s(&device, &m, 50000), 10, 1e-12); /* as much again of keys */
    slow.flop_s = 1e11; /* 2 * 10e9 operations: 0.2 s */
    assert_close(envelope_decode_tok_s(&slow, &m, 0), 5, 1e-12);
    assert_close(envelope_prefill_tok_s(&device, &m, 512), 62.5, 1e-12);
    slow.flop_s = NAN;
    assert_close(envelope_decode_tok_s(&slow, &m, 0), 20, 1e-12);
    assert_true(isnan(envelope_prefill_tok_s(&slow, &m, 512)));
}

static void a_layer_costs_its_time_at_every_step(void **state)
{
    const struct envelope_model m = {5e9, 1e5, 10e9, 8e9, 40};
    struct envelope_device d = device;

    (void)state;
    d.decode_layer_s = 1e-3;
    d.prefill_layer_s = 2e-3;
    assert_close(1 / envelope_decode_tok_s(&d, &m, 0), 0.05 + 0.04, 1e-12);
    assert_close(1 / envelope_prefill_tok_s(&d, &m, 512), 0.016 + 0.08 / 512, 1e-12);
    assert_close(1 / envelope_prefill_tok_s(&d, &m, 128), 0.016 + 0.08 / 128, 1e-12);
    assert_close(1 / envelope_prefill_tok_s(&d, &m, 1024), 0.016 + 0.16 / 1024, 1e-12);
    assert_true(envelope_row(&d, &want, "q4", 4.5).largest <
                envelope_row(&device, &want, "q4", 4.5).largest);
}

/* Five sizes from 260 thousand to 1.1 billion weights on a program that attains 30 % of the peaks
 * and loses 20 us per layer: each is told from the others. */
static void what_a_program_attains_is_found_from_other_models(void **state)
{
    static const double bytes[] = {5.2e5, 1.9e6, 5.4e7, 9.7e7, 5.5e8}, layers[] = {5, 8, 8, 30, 22};
    static const double noise[] = {1.03, 0.98, 1.01, 0.97, 1.02};
    struct envelope_sample v[COUNT(bytes)];
    double share, layer_s;

    (void)state;
    for (size_t i = 0; i < COUNT(bytes); i++)
        v[i] = (struct envelope_sample){bytes[i] / 1e10, layers[i],
                                        bytes[i] / 1e10 / 0.3 + 20e-6 * layers[i]};
    envelope_fit(v, COUNT(bytes), -1, &share, &layer_s);
    assert_close(share, 0.3, 0.01);
    assert_close(layer_s, 20e-6, 0.02);
    for (size_t i = 0; i < COUNT(bytes); i++)
        v[i].measured_s *= noise[i];
    for (int i = 0; i < (int)COUNT(bytes); i++) {
        double told;
        envelope_fit(v, COUNT(bytes), i, &share, &layer_s);
        told = v[i].bound_s / share + layer_s * v[i].layers;
        assert_close(told, v[i].measured_s, 0.12);
    }
    envelope_fit(v, 2, -1, &share, &layer_s); /* of two a share alone */
    assert_true(layer_s == 0 && share > 0);
    envelope_fit(v, 1, 0, &share, &layer_s);
    assert_true(isnan(share) && isnan(layer_s));
}

static void keys_and_values_are_those_of_llama_shapes(void **state)
{
    (void)state;
    /* Mistral 7B: 32 layers, 8 of 128 keys and values: 131,072 B; Llama 3.2 1B: 16, 512: 32,768 */
    assert_true(envelope_kv_bytes(7.2e9) > 131072 / 1.3 && envelope_kv_bytes(7.2e9) < 131072 * 1.3);
    assert_true(envelope_kv_bytes(1.2e9) > 32768 / 1.5 && envelope_kv_bytes(1.2e9) < 32768 * 1.5);
}

static void the_largest_model_is_at_its_limit(void **state)
{
    struct envelope_row r = envelope_row(&device, &want, "f16", 16);

    (void)state;
    assert_true(r.limit == LIMIT_PREFILL); /* 1e12 * 2 s / 2 / 1000: a billion, less one token */
    assert_true(r.largest > 0.9e9 && r.largest < 1e9);
    assert_close(r.ttft_s, want.ttft_s, 1e-9);
    assert_true(r.tok_s > want.tok_s && r.bytes < device.memory_bytes);
    assert_true(r.parameters[LIMIT_DECODE] < 5e9 && r.parameters[LIMIT_DECODE] > 4.5e9);
    assert_true(r.parameters[LIMIT_MEMORY] < 8e9 && r.parameters[LIMIT_MEMORY] > 7.5e9);
}

static void smaller_formats_and_sparser_models_are_larger(void **state)
{
    struct envelope_want w = want;
    double dense;

    (void)state;
    w.ttft_s = 1e6;
    dense = envelope_row(&device, &w, "q4", 4.5).largest;
    assert_true(dense > 3 * envelope_row(&device, &w, "f16", 16).largest);
    w.active_share = 0.1;
    assert_true(envelope_row(&device, &w, "q4", 4.5).largest > dense);
    assert_true(envelope_row(&device, &w, "q4", 4.5).limit == LIMIT_MEMORY);
    w.tok_s = 1e9;
    assert_true(envelope_row(&device, &w, "q4", 4.5).largest == 0);
}

static void what_is_not_known_is_no_limit(void **state)
{
    struct envelope_device d = device;

    (void)state;
    d.flop_s = d.memory_bytes = NAN;
    assert_true(isinf(envelope_row(&d, &want, "f16", 16).parameters[LIMIT_PREFILL]));
    assert_true(isinf(envelope_row(&d, &want, "f16", 16).parameters[LIMIT_MEMORY]));
    assert_true(isfinite(envelope_row(&d, &want, "f16", 16).largest));
    assert_true(isnan(envelope_row(&d, &want, "f16", 16).ttft_s));
}

static void half_the_watts_are_half_the_peaks(void **state)
{
    struct envelope_device d = envelope_throttled(&device, 10), same;

    (void)state;
    assert_true(d.bytes_s == 50e9 && d.flop_s == 0.5e12 && d.power_w == 10);
    assert_true(envelope_throttled(&device, 30).bytes_s == device.bytes_s);
    same = device;
    same.power_w = NAN;
    assert_true(envelope_throttled(&same, 1).bytes_s == device.bytes_s);
}

static void every_named_device_has_figures(void **state)
{
    const struct envelope_device *d;
    struct envelope_device out;
    struct err e = ERR_NONE;

    (void)state;
    for (int i = 0; (d = envelope_device_at(i)); i++) {
        assert_ptr_equal(envelope_device_find(d->name), d);
        assert_true(d->bytes_s > 1e9 && d->memory_bytes > 1e9 && d->power_w > 1);
    }
    assert_null(envelope_device_find("abacus"));
    assert_int_equal(envelope_device_named(&out, "raspberry-pi-4", "tracker", &e), -1);
    assert_string_equal(e.text, "tracker: raspberry-pi-4: no such device");
    assert_string_equal(e.hint, "did you mean 'raspberry-pi-5'?");
    assert_int_equal(envelope_device_named(&out, "raspberry-pi-5", "tracker", &e), 0);
    assert_true(out.memory_bytes == 8e9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_costs_the_longer_of_reading_and_computing),
        cmocka_unit_test(a_layer_costs_its_time_at_every_step),
        cmocka_unit_test(what_a_program_attains_is_found_from_other_models),
        cmocka_unit_test(keys_and_values_are_those_of_llama_shapes),
        cmocka_unit_test(the_largest_model_is_at_its_limit),
        cmocka_unit_test(smaller_formats_and_sparser_models_are_larger),
        cmocka_unit_test(what_is_not_known_is_no_limit),
        cmocka_unit_test(half_the_watts_are_half_the_peaks),
        cmocka_unit_test(every_named_device_has_figures),
    };

    return RUN(tests);
}
