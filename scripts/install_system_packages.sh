#!/usr/bin/env bash
# Installs the libraries that Qt needs to open a window, and a virtual display for the tests,
# on Debian and Ubuntu. Asks for no password and never fails: where it may not install, it
# says what is missing.
set -uo pipefail

PACKAGES=(
    xvfb xauth libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1
    libxcb-shape0 libxcb-image0 libxcb-render-util0 libxcb-randr0 libdbus-1-3
)

is_installed() {
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

find_missing() {
    local package
    for package in "${PACKAGES[@]}"; do
        is_installed "$package" || echo "$package"
    done
}

give_up() {
    echo "Qt may need these system packages, which could not be installed: $*" >&2
    echo "To install them: sudo apt-get install $*" >&2
    exit 0
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    if [[ $(uname -s) == Linux ]]; then
        echo "Not Debian or Ubuntu: if Qt misses a library, these are its Debian names: ${PACKAGES[*]}" >&2
    fi
    exit 0
fi

mapfile -t missing < <(find_missing)
((${#missing[@]})) || exit 0

if ((EUID == 0)); then
    as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    give_up "${missing[@]}"
fi

apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=120)
echo "Installing ${missing[*]}" >&2
"${apt[@]}" update </dev/null >&2 || true
"${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >&2 || give_up "${missing[@]}"
