/* Plain sentences as mdoc source. Pure text; called by conf_man and the commands'
 * pages. */
#include "conf/mdoc.h"

#include <ctype.h>
#include <string.h>

#define LINE_MAX_BYTES 78

static void add_word(struct buf *out, const char *word, size_t n, bool at_start)
{
    if (at_start && (*word == '.' || *word == '\''))
        buf_adds(out, "\\&");
    for (size_t i = 0; i < n; i++) {
        bool is_dash = word[i] == '-' && (i == 0 || word[i - 1] == '-');
        if (word[i] == '\\')
            buf_adds(out, "\\e");
        else if (is_dash)
            buf_adds(out, "\\-");
        else
            buf_addc(out, word[i]);
    }
}

static bool ends_sentence(const char *word, size_t n, const char *next)
{
    char last = word[n - 1];
    return n > 1 && (last == '.' || last == '?' || last == '!') &&
           (isupper((unsigned char)*next) || *next == '"' || *next == '`');
}

void mdoc_add_text(struct buf *out, const char *text)
{
    size_t column = 0;
    text += strspn(text, " \n");
    while (*text) {
        size_t n = strcspn(text, " \n");
        const char *next = text + n + strspn(text + n, " \n");
        if (column && column + 1 + n > LINE_MAX_BYTES) {
            buf_addc(out, '\n');
            column = 0;
        }
        if (column)
            buf_addc(out, ' ');
        add_word(out, text, n, column == 0);
        column += n + (column > 0);
        if (text[n] == '\n' && text[n + 1] == '\n') {
            buf_adds(out, "\n.Pp\n");
            column = 0;
        } else if (ends_sentence(text, n, next)) {
            buf_addc(out, '\n');
            column = 0;
        }
        text = next;
    }
    if (column)
        buf_addc(out, '\n');
}
