/* conf_man: weir.yml.5 in mdoc, made from the rows; clean under `mandoc -T lint`. */
#include "conf/conf.h"

#include <string.h>

#include "conf/mdoc.h"
#include "conf/rows.h"

static void add_row(struct buf *out, const struct conf_row *r)
{
    char range[96];
    conf_row_range(r, range, sizeof range);
    buf_addf(out, ".It Cm %s : Ar %s", r->name, conf_type_name(r->type));
    for (const char *p = r->choices ? r->choices : ""; *p; p++) {
        if (p == r->choices)
            buf_addc(out, ' ');
        buf_addc(out, *p == '|' ? ' ' : *p);
    }
    buf_addc(out, '\n');
    mdoc_add_text(out, r->doc);
    if (*range)
        buf_addf(out, "Range: %s.\n", range);
    if (!r->standard)
        buf_adds(out, "Required.\n");
    else if (*r->standard)
        buf_addf(out, "Default:\n.Ql %s .\n", r->standard);
}

static void add_section(struct buf *out, enum conf_section_id id)
{
    char path[128];
    bool has_rows = false;
    for (size_t i = 0; i < conf_n_rows; i++)
        has_rows |= conf_rows[i].section == id;
    conf_section_path(id, path, sizeof path);
    if (has_rows || *path) {
        buf_addf(out, ".Ss %s\n", *path ? path : "Top level");
        mdoc_add_text(out, conf_sections[id].doc);
    }
    if (has_rows) {
        buf_adds(out, ".Bl -tag -width Ds\n");
        for (size_t i = 0; i < conf_n_rows; i++)
            if (conf_rows[i].section == id)
                add_row(out, &conf_rows[i]);
        buf_adds(out, ".El\n");
    }
    for (size_t i = 1; i < CONF_N_SECTIONS; i++)
        if (conf_sections[i].parent == id)
            add_section(out, conf_sections[i].id);
}

static const char intro[] = ".Dd " MDOC_DATE "\n.Dt WEIR.YML 5\n.Os\n"
                            ".Sh NAME\n.Nm weir.yml\n.Nd the platform file of weir\n"
                            ".Sh DESCRIPTION\n"
                            "One file describes one platform.\n"
                            "Everything that is left out has a default;\n"
                            ".Ic weir conf show\n"
                            "prints what is in force and where it came from,\n"
                            ".Ic weir conf check\n"
                            "reports mistakes,\n"
                            ".Ic weir conf schema\n"
                            "prints a JSON Schema for editors.\n"
                            ".Pp\n"
                            "In any value,\n"
                            ".Ql ${NAME}\nand\n.Ql ${NAME:-default}\n"
                            "are replaced from the environment;\n"
                            ".Ql $${\n"
                            "stands for the characters themselves.\n"
                            "A secret is written as\n"
                            ".Ql {env: NAME}\nor\n.Ql {file: PATH}\n"
                            "and never shown.\n"
                            "Relative paths are relative to the folder of the file.\n"
                            "A path that came from the environment or from\n"
                            ".Fl \\-set\n"
                            "and is not there is taken from the current folder "
                            "when it exists there.\n"
                            "Durations are a number and a unit: ms, s, m, h, d, w.\n"
                            "Sizes are a number and B, KiB, MiB or GiB.\n"
                            "Aliases and merge keys of YAML are not supported.\n"
                            ".Pp\n"
                            "On the command line,\n"
                            ".Fl \\-set Ar a.b.c=value\n"
                            "overrides a setting.\n"
                            ".Sh SETTINGS\n";

int conf_man(struct buf *out, struct err *e)
{
    buf_adds(out, ".\\\" Made by `weir man-pages` from the table of settings.\n");
    buf_adds(out, intro);
    add_section(out, CONF_ROOT);
    buf_adds(out,
             ".Sh EXAMPLES\n.Bd -literal\n"
             "platform: shop\n"
             "sources:\n"
             "  pos:    {plugin: pos, path: data/pos.jsonl.gz, topic: transactions}\n"
             "  stores: {plugin: stores, path: data/stores.csv, every: 1h}\n"
             "streams:\n"
             "  enrichment: {from: transactions, tables: {store: stores}}\n"
             "loads:\n"
             "  raw_transactions:\n"
             "    from: enriched-transactions\n"
             "    into: bronze.raw_transactions\n"
             "models: {project: .}\n"
             ".Ed\n.Sh SEE ALSO\n.Xr weir 1 ,\n.Xr weir-models 7\n");
    return buf_check(out, "weir.yml.5", e);
}
