#!/usr/bin/env bats
# What a packager does: install into a folder, and the installed weir works from there.
load helper

setup() {
    setup_platform
    TOP=$BATS_TEST_DIRNAME/../..
    BUILD=${WEIR_BUILD:-$TOP/build/release}
    case $BUILD in */release) ;; *) skip "installs the release build" ;; esac
    unset MAKEFLAGS MAKELEVEL MFLAGS
    # the compiler's options of a surrounding make are not those of a packager
    cd "$TOP"
    make -s install DESTDIR="$TEST_DIR/root" PREFIX=/opt/weir
    INSTALLED=$TEST_DIR/root/opt/weir
}
teardown() { teardown_platform; }

@test "make after make does nothing" {
    run make
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ] || [[ "$output" == *"Nothing to be done"* ]]
}

@test "everything is installed: plugins, themes, pages, completion, headers" {
    for f in bin/weir lib/weir/plugins/{pos,stores,products}.so share/weir/themes/default.theme \
        share/man/man1/weir.1 share/man/man1/weir-build.1 share/man/man3/weir-plugin.3 \
        share/man/man5/weir.yml.5 share/man/man5/weir-theme.5 share/man/man7/weir-models.7 \
        share/bash-completion/completions/weir include/weir/plugin.h; do
        echo "$f"
        [ -s "$INSTALLED/$f" ]
    done
    # nothing in it points back to where it was built
    ! grep -rqaF "$(cd "$TOP" && pwd -P)/build" "$INSTALLED/share"
    printf '#include <weir/plugin.h>\nint main(void) { return WEIR_PLUGIN_ABI; }\n' >"$TEST_DIR/p.c"
    gcc -fsyntax-only -I"$INSTALLED/include" "$TEST_DIR/p.c"
}

@test "the installed weir runs the main job on a project elsewhere" {
    cd "$TEST_DIR"
    PATH=$INSTALLED/bin:$PATH
    [ "$(command -v weir)" = "$INSTALLED/bin/weir" ]
    run weir up --once
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"3,474"* ]]
    run weir source check stores
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the installed console finds its themes" {
    cd "$TEST_DIR"
    printf 'size 80x24\ncommand theme no_such_theme\ndump 23-23\ncommand theme light\ncommand theme\ndump 23-23\n' >script
    run "$INSTALLED/bin/weir" console --theme dark --script script
    echo "$output"
    [ "$status" -eq 0 ]
    for t in default dark light mono safe; do # the message lists what is there
        [[ "$output" == *"there are:"*"$t"* ]]
    done
    [[ "$output" == *"theme light"* ]]
}

@test "the installed completion completes commands, options, operands and nodes" {
    c=$INSTALLED/share/bash-completion/completions/weir
    bash -n "$c"
    cat >"$TEST_DIR/try" <<'EOF'
source "$1"
shift
complete -p weir >/dev/null || exit 1
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
$(complete -p weir | sed 's/.*-F \([a-z_]*\) .*/\1/')
echo "${COMPREPLY[*]}"
EOF
    PATH=$INSTALLED/bin:$PATH
    try() { bash "$TEST_DIR/try" "$c" "$@"; }
    [ "$(try weir bui)" = build ]
    [ "$(try weir build --full)" = --full-refresh ]
    [ "$(try weir --project-dir x conf che)" = check ]
    [ "$(try weir topic ta)" = tail ]
    [ "$(try weir query -o js)" = json ]
    [ "$(try weir rerun fct_)" = fct_daily_sales ]
    [ "$(try weir help vers)" = version ]
    [ "$(try weir --project-d)" = --project-dir ]
}
