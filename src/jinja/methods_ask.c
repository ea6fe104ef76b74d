/* Methods of str that ask: isalpha, isdigit, isupper … */
#include "jinja/internal.h"

#include <ctype.h>

#define METHOD(name)                                                                   \
    static struct jv *name(struct jinja_call *c, struct jv *self, struct jv **s,       \
                           const struct cargs *raw __attribute__((unused)))

enum ask { ASK_ALPHA, ASK_DIGIT, ASK_ALNUM, ASK_SPACE, ASK_ASCII };

static struct jv *all_are(const struct jv *v, enum ask what)
{
    const char *p = v->u.s.p, *end = p + v->u.s.n;
    if (p == end)
        return jv_bool(what == ASK_ASCII);
    while (p < end) {
        uint32_t cp = u8_next(&p, end);
        bool is_digit = cp >= '0' && cp <= '9';
        bool ok = what == ASK_ALPHA   ? cp_is_alpha(cp) && !is_digit
                  : what == ASK_DIGIT ? is_digit
                  : what == ASK_ALNUM ? is_digit || cp_is_alpha(cp)
                  : what == ASK_SPACE ? cp_is_space(cp)
                                      : cp < 0x80;
        if (!ok)
            return jv_bool(false);
    }
    return jv_bool(true);
}

METHOD(m_isalpha)
{
    (void)c, (void)s;
    return all_are(self, ASK_ALPHA);
}
METHOD(m_isdigit)
{
    (void)c, (void)s;
    return all_are(self, ASK_DIGIT);
}
METHOD(m_isalnum)
{
    (void)c, (void)s;
    return all_are(self, ASK_ALNUM);
}
METHOD(m_isspace)
{
    (void)c, (void)s;
    return all_are(self, ASK_SPACE);
}
METHOD(m_isascii)
{
    (void)c, (void)s;
    return all_are(self, ASK_ASCII);
}

static struct jv *is_cased(const struct jv *v, bool to_upper)
{
    bool any = false;
    for (const char *p = v->u.s.p, *end = p + v->u.s.n; p < end;) {
        uint32_t cp = u8_next(&p, end);
        if (to_upper ? cp_is_lower(cp) : cp_is_upper(cp))
            return jv_bool(false);
        any |= to_upper ? cp_is_upper(cp) : cp_is_lower(cp);
    }
    return jv_bool(any);
}

METHOD(m_islower)
{
    (void)c, (void)s;
    return is_cased(self, false);
}
METHOD(m_isupper)
{
    (void)c, (void)s;
    return is_cased(self, true);
}

METHOD(m_istitle)
{
    bool any = false, is_in_word = false;
    (void)c, (void)s;
    for (const char *p = self->u.s.p, *end = p + self->u.s.n; p < end;) {
        uint32_t cp = u8_next(&p, end);
        bool up = cp_is_upper(cp), low = cp_is_lower(cp);
        if ((up && is_in_word) || (low && !is_in_word))
            return jv_bool(false);
        any |= up || low;
        is_in_word = up || low;
    }
    return jv_bool(any);
}

METHOD(m_isidentifier)
{
    (void)c, (void)s;
    const char *p = self->u.s.p, *end = p + self->u.s.n;
    if (p == end || isdigit((unsigned char)*p))
        return jv_bool(false);
    while (p < end) {
        uint32_t cp = u8_next(&p, end);
        if (cp != '_' && !(cp >= '0' && cp <= '9') && !cp_is_alpha(cp))
            return jv_bool(false);
    }
    return jv_bool(true);
}

const struct builtin str_ask_methods[] = {
    {"isalpha", m_isalpha, "", 0},           {"isdigit", m_isdigit, "", 0},
    {"isdecimal", m_isdigit, "", 0},         {"isnumeric", m_isdigit, "", 0},
    {"isalnum", m_isalnum, "", 0},           {"isspace", m_isspace, "", 0},
    {"isascii", m_isascii, "", 0},           {"islower", m_islower, "", 0},
    {"isupper", m_isupper, "", 0},           {"istitle", m_istitle, "", 0},
    {"isidentifier", m_isidentifier, "", 0}, {NULL, NULL, NULL, 0},
};
