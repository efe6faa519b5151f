# Read by the scripts beside it: installs by whatever package manager the system has.

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# install_packages WHAT APT DNF APK PACMAN BREW: what it is for, and the packages' names; those of one manager in one
# word, with spaces.
install_packages() {
  echo "installing $1 for the tests"
  # The names are to be parted at their spaces.
  # shellcheck disable=SC2086
  if command -v apt-get >/dev/null; then
    as_root apt-get update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $2
  elif command -v dnf >/dev/null; then
    as_root dnf install --assumeyes $3
  elif command -v apk >/dev/null; then
    as_root apk add $4
  elif command -v pacman >/dev/null; then
    as_root pacman --sync --noconfirm --needed $5
  elif command -v brew >/dev/null; then
    brew install $6
  else
    echo "no package manager that is known here: install $1 by hand" >&2
    exit 1
  fi
}
