#include "runners/byte_level.h"

/* The code point that shows a byte: itself where that is printable; the other 68 follow in order
 * from U+0100 on: 00-20, 7F-A0, AD. */
static int shown_as(int byte)
{
    if (byte <= 0x20)
        return 0x100 + byte;
    if (byte >= 0x7f && byte <= 0xa0)
        return 0x121 + byte - 0x7f;
    return byte == 0xad ? 0x143 : byte;
}

void byte_level_put(struct strbuf *b, unsigned char byte)
{
    int c = shown_as(byte);

    if (c < 0x80) {
        strbuf_addc(b, (char)c);
    } else {
        strbuf_addc(b, (char)(0xc0 | c >> 6));
        strbuf_addc(b, (char)(0x80 | (c & 63)));
    }
}

/* The byte that a code point shows, or -1. */
static int byte_shown(int c)
{
    int byte = c < 0x100 ? c : c <= 0x120 ? c - 0x100 : c <= 0x142 ? c - 0x121 + 0x7f : 0xad;

    return shown_as(byte) == c ? byte : -1;
}

void byte_level_decode(struct strbuf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)text[i];
        int two = c >= 0xc2 && c < 0xe0 && i + 1 < n;
        int code = two ? (c & 31) << 6 | ((unsigned char)text[i + 1] & 63) : c;
        int byte = c < 0x80 || two ? byte_shown(code) : -1;
        if (byte >= 0)
            strbuf_addc(out, (char)byte);
        else
            strbuf_add(out, text + i, two ? 2 : 1);
        i += two ? 2 : 1;
    }
}
