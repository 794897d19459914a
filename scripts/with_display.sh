#!/usr/bin/env bash
# Runs a command with a display of its own where Linux has a virtual one, so that no window
# appears on the person's; without one and without a display, Qt draws off screen.
set -euo pipefail

if [[ $(uname -s) == Linux ]]; then
    if command -v xvfb-run >/dev/null && command -v xauth >/dev/null; then
        exec xvfb-run --auto-servernum --server-args="-screen 0 1600x1200x24" "$@"
    fi
    if [[ -z ${DISPLAY:-} && -z ${WAYLAND_DISPLAY:-} ]]; then
        export QT_QPA_PLATFORM=${QT_QPA_PLATFORM:-offscreen}
    fi
fi
exec "$@"
