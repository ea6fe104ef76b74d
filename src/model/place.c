/* Where in a file something is wrong: the line itself and a caret under its column, as
 * people look for it. In: a message that begins with "file:line:column:", and the text
 * of the file. Out: the message with the line. Called by item.c, yaml.c, files.c and
 * properties.c, on their way to an error. */
#include "model/place.h"

#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/str.h"
#include "base/text.h"
#include "warehouse/sql_token.h"

/* The offset of a line and column, both from 1. */
static size_t offset_of(const char *text, size_t n, size_t line, size_t column)
{
    const char *at = text, *end = text + n;
    for (; line > 1 && at < end; line--) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        at = nl ? nl + 1 : end;
    }
    size_t left = (size_t)(end - at);
    const char *nl = memchr(at, '\n', left);
    size_t most = nl ? (size_t)(nl - at) : left;
    return (size_t)(at - text) + (column - 1 < most ? column - 1 : most);
}

void place_show(struct err *e, const char *shown, const char *text, size_t n)
{
    size_t len = strlen(shown);
    char *end;
    struct buf b;
    if (!e || !str_starts(e->text, shown) || e->text[len] != ':')
        return;
    unsigned long line = strtoul(e->text + len + 1, &end, 10);
    unsigned long column = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
    if (!line || !column || strstr(e->text, "\n"))
        return; /* it has no place, or more to say than this */
    buf_init(&b, ERR_TEXT_MAX);
    buf_adds(&b, e->text);
    buf_addc(&b, '\n');
    sql_caret(&b, text, n, offset_of(text, n, line, column));
    while (b.len && b.data[b.len - 1] == '\n')
        b.data[--b.len] = '\0';
    if (!b.failed)
        err_set(e, e->code, "%s", buf_str(&b));
    buf_release(&b);
}

int place_not_utf8(struct err *e, const char *shown, const char *text, size_t n)
{
    size_t line = 1, start = 0, i = 0;
    uint32_t cp;
    while (i < n) {
        int len = text_decode(text + i, n - i, &cp);
        if (len <= 0)
            break;
        if (text[i] == '\n') {
            line++;
            start = i + 1;
        }
        i += (size_t)len;
    }
    return err_set(e, ERR_PARSE,
                   "%s:%zu:%zu: not UTF-8 text (byte 0x%02x); save the file as UTF-8",
                   shown, line, i - start + 1, i < n ? (unsigned char)text[i] : 0u);
}

/* "name: NAME" at the line's end, quotes or not. */
static const char *named_on(const char *line, const char *end, const char *name)
{
    const char *at = line;
    while (at < end && (*at == ' ' || *at == '-'))
        at++;
    if ((size_t)(end - at) < 6 || memcmp(at, "name:", 5) != 0)
        return NULL;
    const char *value = at + 5;
    while (value < end && (*value == ' ' || *value == '"' || *value == '\''))
        value++;
    size_t n = strlen(name);
    if ((size_t)(end - value) < n || memcmp(value, name, n) != 0)
        return NULL;
    const char *rest = value + n;
    return rest == end || strchr("\"' \r#", *rest) ? value : NULL;
}

void place_of_name(const char *path, const char *name, char *out, size_t size)
{
    struct buf b;
    size_t line = 1;
    str_copy(out, size, "");
    buf_init(&b, 16u << 20);
    if (buf_read_file(&b, path, NULL) == 0) {
        const char *at = buf_str(&b), *end = at + b.len;
        for (; at < end; line++) {
            const char *nl = memchr(at, '\n', (size_t)(end - at));
            const char *stop = nl ? nl : end, *value = named_on(at, stop, name);
            if (value) {
                snprintf(out, size, ":%zu:%zu", line, (size_t)(value - at) + 1);
                break;
            }
            at = stop + 1;
        }
    }
    buf_release(&b);
}
