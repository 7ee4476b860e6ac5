# For scripts that make mistakes in a copy of the sources: sourced by them. They run at the sources' root.

# Copies the sources, and goes there; the copy is configured with these options. KEPT names a directory that is kept; where it is empty,
# one is made and taken away.
#   make_copy KEPT [CMAKE OPTION...]
make_copy() {
  source=$PWD
  work=$1
  if [ -n "$work" ]; then
    mkdir -p "$work"
  else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
  fi
  # What is as it was keeps its time, and what was compiled from it; what a run that was cut off has left is replaced.
  while IFS= read -r -d '' file; do
    cmp -s "$file" "$work/$file" || cp --parents -t "$work" "$file"
  done < <(git ls-files -z --cached --others --exclude-standard)
  cd "$work"
  # What a mistake leaves alone is compiled once.
  export CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1
  cmake --preset release -DTESTAMUR_WERROR=OFF "${@:2}" >build.log
}

build() { cmake --build --preset release --target "$@" >build.log 2>&1; }

# Runs a command on the copy with a mistake in it. Fails, without that, where the patch does not apply.
#   with_mistake PATCH COMMAND...
with_mistake() {
  patch -p1 --fuzz=0 --silent --force --dry-run <"$1" >/dev/null || return 1
  patch -p1 --fuzz=0 --silent --force --no-backup-if-mismatch <"$1" >/dev/null
  "${@:2}" || true
  patch -p1 --fuzz=0 --silent --reverse --force --no-backup-if-mismatch <"$1" >/dev/null
}

# The arguments after the first are the beginnings of the names that are wanted; none: all are.
is_wanted() {
  [ $# = 1 ] && return
  local word
  for word in "${@:2}"; do [[ $1 == "$word"* ]] && return; done
  return 1
}
