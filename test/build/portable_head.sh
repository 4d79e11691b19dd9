#!/bin/sh
# sollol @VERSION@ for Linux on @MACHINE@: this script, and behind it a tar.gz with Deno, sollol and their licences. The
# first start extracts it; later ones run what was extracted. It needs a POSIX shell, tail, gzip and tar.
name=@NAME@
machine=@MACHINE@
payload_at=@PAYLOAD_AT@
extracted_mib=@EXTRACTED_MIB@

fail() {
  printf 'sollol: %s\n' "$1" >&2
  exit 1
}

# Runs $1 on each place that the program may be extracted to, until it succeeds.
for_each_place() {
  if [ -n "${SOLLOL_PORTABLE_DIR-}" ]; then
    case $SOLLOL_PORTABLE_DIR in
      /*) "$1" "$SOLLOL_PORTABLE_DIR" ;;
      *) "$1" "$PWD/$SOLLOL_PORTABLE_DIR" ;;
    esac
    return
  fi
  # Of systemd's CacheDirectory=, the first of a list with colons; of a DynamicUser= it is a link.
  cache=
  [ -z "${CACHE_DIRECTORY-}" ] || cache=$(cd "${CACHE_DIRECTORY%%:*}" 2>/dev/null && pwd -P)
  [ -n "$cache" ] && "$1" "$cache" && return
  case ${XDG_CACHE_HOME-} in /*) "$1" "$XDG_CACHE_HOME/sollol" && return ;; esac
  case ${HOME-} in /*) "$1" "$HOME/.cache/sollol" && return ;; esac
  "$1" "${TMPDIR:-/var/tmp}/sollol-$(id -u)"
}

# Whatever somebody else put there is not run, unless SOLLOL_PORTABLE_DIR says so.
is_ours() {
  [ -n "${SOLLOL_PORTABLE_DIR-}" ] || { [ -O "$1" ] && [ ! -h "$1" ]; }
}

is_extracted_in() {
  home=$1/$name
  [ -x "$home/deno" ] && [ -s "$home/deno" ] && [ -s "$home/sollol.js" ] && [ -s "$home/start.js" ] &&
    is_ours "$1" && is_ours "$home"
}

complain() {
  complaints="$complaints
  $1: $2"
  return 1
}

give_up() {
  rm -rf "$new"
  rmdir "$home" 2>/dev/null # of nobody else's extraction
  complain "$1" "$2"
}

extract_into() {
  place=$1
  home=$place/$name
  new=$home/.new.$$
  said=$(mkdir -p "$home" 2>&1) || { complain "$place" "$said"; return; }
  is_ours "$place" && is_ours "$home" || { complain "$place" "it belongs to somebody else"; return; }
  said=$(mkdir "$new" 2>&1) || { give_up "$place" "$said"; return; }
  said=$({ printf '#!/bin/sh\n' >"$new/probe" && chmod 755 "$new/probe"; } 2>&1) || { give_up "$place" "$said"; return; }
  "$new/probe" 2>/dev/null || { give_up "$place" "programs may not be run there (noexec)"; return; }
  said=$(unpack 2>&1) || { give_up "$place" "$said"; return; }
  said=$("$new/deno" --version 2>&1) || { give_up "$place" "Deno does not run on this system: $said"; return; }
  sync "$new/deno" "$new/sollol.js" 2>/dev/null # else a power cut may leave a name without its content
  # Each by a rename of its own, so that several first starts can do it at once; the program comes last.
  said=$(mv -f "$new/LICENSES" "$new/sollol.js" "$new/start.js" "$home/" 2>&1 && mv -f "$new/deno" "$home/" 2>&1) ||
    { give_up "$place" "$said"; return; }
  rm -rf "$new"
}

unpack() {
  tail -c "+$payload_at" "$self" | { gzip -dc && : >"$new/sound"; } | tar -xf - -C "$new" && [ -f "$new/sound" ]
}

# Removes what starts that were killed left, and other versions that do not run.
tidy() {
  for left in "$place"/sollol-*/.new.*; do
    [ -d "$left" ] && ! kill -0 "${left##*.}" 2>/dev/null && rm -rf "$left"
  done
  [ -e /proc/self/exe ] || return 0
  running=$(ls -l /proc/[0-9]*/exe 2>/dev/null)
  for other in "$place"/sollol-*; do
    [ "$other" != "$home" ] && [ -f "$other/start.js" ] && [ -f "$other/LICENSES" ] && is_ours "$other" || continue
    for left in "$other"/.new.*; do [ -d "$left" ] && continue 2; done
    case $running in *" -> $other/deno"*) ;; *) rm -rf "$other" ;; esac
  done
}

case $0 in
  /*) self=$0 ;;
  */*) self=$PWD/${0#./} ;;
  *) if [ -f "$0" ]; then self=$PWD/$0; else self=$(command -v "$0"); fi ;;
esac

if ! for_each_place is_extracted_in; then
  if [ "$(uname -sm)" != "Linux $machine" ]; then
    fail "This file is for Linux on $machine, and this is $(uname -sm); get the one that fits, or run sollol by Deno"
  fi
  complaints= new=
  trap 'rm -rf "$new"; exit 130' HUP INT TERM
  mask=$(umask)
  if [ -n "${SOLLOL_PORTABLE_DIR-}" ]; then umask 022; else umask 077; fi
  for_each_place extract_into || fail "Cannot extract $name, which takes $extracted_mib MiB:$complaints
Free some space, or name a directory that programs may be run from by SOLLOL_PORTABLE_DIR"
  tidy
  umask "$mask"
  trap - HUP INT TERM
fi

# What changes how Deno runs programs is not meant for this one; whose certificates it trusts is left.
unset DENO_AUDIT_PERMISSIONS DENO_AUTH_TOKENS DENO_AUTO_SERVE DENO_CACHE_DB_MODE DENO_CONDITIONS DENO_COVERAGE_DIR \
  DENO_EMIT_CACHE_MODE DENO_PERMISSION_BROKER_PATH DENO_SERVE_ADDRESS DENO_SERVE_AUTOMATIC_COMPRESSION \
  DENO_TRACE_PERMISSIONS DENO_TRUST_PROXY_HEADERS DENO_UNSTABLE_CONTROL_SOCK DENO_V8_FLAGS NODE_OPTIONS
export SOLLOL_PROGRAM="$self" DENO_DIR="$home/cache" DENO_NO_UPDATE_CHECK=1 DENO_NO_PACKAGE_JSON=1
exec "$home/deno" run @FLAGS@ "$home/start.js" "$@"
