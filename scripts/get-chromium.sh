#!/usr/bin/env bash
# Prints the path of a chromium, for the test of the website. It is the one that CHROMIUM_BINARY names, or one on the PATH. Otherwise root
# of a Debian gets the package of its release. If the script fails, it says why on stderr.
set -euo pipefail

cannot() {
  echo "chromium: $*" >&2
  exit 1
}

if [[ -n ${CHROMIUM_BINARY-} ]]; then
  [[ -x $CHROMIUM_BINARY ]] || cannot "CHROMIUM_BINARY is $CHROMIUM_BINARY, which is not a program"
  echo "$CHROMIUM_BINARY"
  exit 0
fi
if command -v chromium; then exit 0; fi

[[ $(uname -s) == Linux && -r /etc/os-release ]] || cannot "this system is not Linux"
# shellcheck disable=SC1091
(. /etc/os-release && [[ ${ID-} == debian ]]) || cannot "this system is not Debian"
[[ $(id -u) == 0 ]] || cannot "only root can install the package chromium"
command -v apt-get > /dev/null || cannot "apt-get is not installed"

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
"${apt[@]}" update >&2 || cannot "apt cannot fetch the package lists"
"${apt[@]}" install -y --no-install-recommends chromium >&2 || cannot "apt cannot install the package chromium"
command -v chromium || cannot "the package chromium has no program of that name"
