# Sourced by the scripts of this directory: what a machine must have, the builds, and a JVM run under the agent's eyes.
# shellcheck shell=bash
#
# A script names what it needs (need_*), stops if anything is missing (stop_if_missing), builds (build, compile) and
# runs (watch). Everything that is made lands in cargo's target directory.
#
#   FINWATCH_JAVA   the java to run the examples with; else JAVA_HOME's, else the one on the PATH, else that of the JDK
#                   found for building

set -euo pipefail

# Options for other JVMs, which may have an agent and a heap of their own; each JVM would also say that it has them.
unset JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Where relative paths of the command line start.
# shellcheck disable=SC2034  # for the scripts that source this
typed_in=$PWD
cd "$root"
target=${CARGO_TARGET_DIR:-target}
made=$target/examples
me=${0#"$root"/}

say() { printf '%s\n' "$*"; }

die() {
    say "$me: $*" >&2
    exit 1
}

# --- what the machine must have -----------------------------------------------------------------------------------------

missing=()      # one line of words for each thing that is missing
packages=()     # the distribution's packages that would bring it
later_lines=()  # what to type after those are installed

# The package manager of this machine: apt-get, dnf, zypper, pacman or none.
package_manager() {
    local manager
    for manager in apt-get dnf zypper pacman; do
        if command -v "$manager" >/dev/null; then
            say "$manager"
            return
        fi
    done
    say none
}

# Notes that WORDS is missing, and the packages that bring it, in the order of the managers above.
lacks() { # WORDS APT DNF ZYPPER PACMAN
    missing+=("$1")
    local names=''
    case $(package_manager) in
        apt-get) names=$2 ;;
        dnf) names=$3 ;;
        zypper) names=$4 ;;
        pacman) names=$5 ;;
    esac
    local name
    for name in $names; do packages+=("$name"); done
}

# True when version $1 is at least version $2.
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# rustup puts cargo where a shell that was started before does not look.
need_rust() {
    local wanted found=''
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    local cargo_home=${CARGO_HOME:-${HOME:-}/.cargo}
    if [[ -x $cargo_home/bin/cargo ]]; then PATH=$cargo_home/bin:$PATH; fi
    if command -v cargo >/dev/null; then found=$(cargo --version 2>/dev/null | cut -d ' ' -f 2 || true); fi
    if [[ -n $found ]] && at_least "$found" "$wanted"; then return; fi

    missing+=("Rust $wanted or later, with cargo (found: ${found:-none})")
    if command -v rustup >/dev/null; then
        later_lines+=("rustup update stable && rustup default stable")
        return
    fi
    if ! command -v curl >/dev/null; then
        missing+=("curl, to fetch Rust's installer with")
        packages+=(curl)
    fi
    # shellcheck disable=SC2016  # $HOME is for the shell that it is typed into.
    later_lines+=('curl --proto "=https" --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . "$HOME/.cargo/env"')
}

# Tries it, because a compiler without the C library's headers and start-up files is no use.
need_linker() {
    local trial links=no
    trial=$(mktemp)
    if say 'int main(void) { return 0; }' | cc -x c -o "$trial" - 2>/dev/null; then links=yes; fi
    rm -f "$trial"
    if [[ $links == no ]]; then
        lacks "a C linker (\`cc\`, with the C library to link to)" "gcc libc6-dev" "gcc glibc-devel" "gcc glibc-devel" gcc
    fi
}

# The feature release of a javac, empty where it does not run; 1.8 is 8.
javac_release() { "$1" -version 2>&1 | sed -n 's/^javac \(1\.\)\{0,1\}\([0-9]*\).*/\2/p' || true; }

# Sets javac, for the library's build and for the examples, and java, to run them with.
need_jdk() {
    local candidate release seen=''
    javac=
    for candidate in ${JAVA_HOME:+"$JAVA_HOME/bin/javac"} "$(command -v javac || true)" \
        /usr/lib/jvm/*/bin/javac /usr/java/*/bin/javac /opt/java/*/bin/javac; do
        if [[ ! -x $candidate ]]; then continue; fi
        release=$(javac_release "$candidate")
        if [[ ${release:-0} -ge 11 ]]; then
            javac=$candidate
            break
        fi
        seen+=" $candidate is ${release:-broken};"
    done
    if [[ -z $javac ]]; then
        lacks "a JDK of 11 or later, with javac (found:${seen:- none})" \
            default-jdk-headless java-latest-openjdk-devel java-21-openjdk-devel jdk-openjdk
        return
    fi
    choose_java
}

choose_java() {
    java=${FINWATCH_JAVA:-}
    if [[ -n $java ]]; then
        if [[ ! -x $java || -d $java ]]; then die "FINWATCH_JAVA is \`$java\`; wanted is the path of a java program"; fi
    elif [[ -n ${JAVA_HOME:-} && -x $JAVA_HOME/bin/java ]]; then
        java=$JAVA_HOME/bin/java
    else
        java=$(command -v java || say "${javac%/*}/java")
    fi
}

# What agent/build-release installs and looks at its result with.
need_release_tools() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        lacks "Python 3 with venv, to install zig with" "python3 python3-venv" python3 python3 python
    fi
    if ! command -v readelf >/dev/null; then lacks "readelf" binutils binutils binutils binutils; fi
}

# Names everything that is missing and the lines to type, or returns where nothing is.
stop_if_missing() {
    if [[ ${#missing[@]} -eq 0 ]]; then return; fi
    local sudo='' line thing
    if [[ $EUID -ne 0 ]]; then sudo='sudo '; fi
    {
        say "Missing on this machine:"
        for thing in "${missing[@]}"; do say "  - $thing"; done
        say ""
        say "To install that, type:"
        if [[ ${#packages[@]} -gt 0 ]]; then
            case $(package_manager) in
                apt-get) line="${sudo}apt-get update && ${sudo}apt-get install -y ${packages[*]}" ;;
                dnf) line="${sudo}dnf install -y ${packages[*]}" ;;
                zypper) line="${sudo}zypper install -y ${packages[*]}" ;;
                pacman) line="${sudo}pacman -S --needed ${packages[*]}" ;;
            esac
            say "  $line"
        elif [[ $(package_manager) == none ]]; then
            say "  (no apt-get, dnf, zypper or pacman here: install the above in this system's own way)"
        fi
        if [[ ${#later_lines[@]} -gt 0 ]]; then printf '  %s\n' "${later_lines[@]}"; fi
        say ""
        say "and then again: $me"
    } >&2
    exit 1
}

# --- building -----------------------------------------------------------------------------------------------------------

# The agent, and the reader that shows its lines on a terminal; the tests' crates are none of a user's business.
build() {
    say "Building ... (the first time takes some minutes)"
    cargo build --release --locked -p finwatch-agent -p finwatch-examples
    library=$target/release/libfinwatch.so
    if [[ $library != /* ]]; then library=$root/$library; fi
}

compile() { # SOURCE...
    mkdir -p "$made/classes"
    "$javac" --release 8 -Xlint:-options -encoding UTF-8 -d "$made/classes" "$@"
}

# --- running ------------------------------------------------------------------------------------------------------------

java_pid=
view_pid=

# Whatever way the script ends: no JVM, no reader is left behind.
stop_java() {
    if [[ -n $java_pid ]] && kill "$java_pid" 2>/dev/null; then wait "$java_pid" || true; fi
    if [[ -n $view_pid ]]; then wait "$view_pid" || true; fi
}

cleanups=(stop_java)

at_exit() { # FUNCTION; the last one is called first, but all of them after the JVM has ended
    cleanups=(stop_java "$1" "${cleanups[@]:1}")
}

clean_up() {
    trap '' INT TERM HUP
    local function
    for function in "${cleanups[@]}"; do "$function"; done
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Runs java with the agent and shows its lines until the program ends; returns the program's exit status.
# First the name of the stream's file, then what the names of the classes to show begin with, then `--` and java's
# arguments. Both run in the background, as a shell that waits can be interrupted.
run_watched() { # NAME CLASS_PREFIX... -- JAVA_ARGUMENT...
    local stream=$made/$1.jsonl status=0 choice=()
    shift
    while [[ $1 != -- ]]; do
        choice+=(--class "$1")
        shift
    done
    shift
    mkdir -p "$made"
    rm -f "$stream" "$stream".*
    (umask 077 && : >"$stream")
    say "Running $java -agentpath:$library=out=$stream,interval=1s ..."
    say "The lines as the agent writes them: tail -f $(printf %q "$(realpath "$stream")")"
    say ""

    "$java" "-agentpath:$library=out=$stream,interval=1s" -cp "$made/classes" "$@" &
    java_pid=$!
    tail -n +1 -f --pid="$java_pid" "$stream" | "$target/release/view" "${choice[@]}" &
    view_pid=$!
    wait "$java_pid" || status=$?
    java_pid=
    wait "$view_pid"
    view_pid=
    return "$status"
}
