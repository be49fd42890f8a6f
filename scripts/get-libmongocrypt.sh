#!/usr/bin/env bash
# Unpacks the libmongocrypt of Debian 13, with its headers, into a folder and prints the path, for `node scripts/mongocrypt.mjs`.
# The one of older releases lacks half of the functions that the driver calls. The script installs nothing. It uses the sources and
# keys of this machine's apt, with the name of Debian 13 in the place of the machine's release. libbson is the one of the machine's
# release, since a newer one needs a newer C library. If the script fails, it says why on stderr.
#
#   scripts/get-libmongocrypt.sh [FOLDER]
set -euo pipefail

cannot() {
  echo "libmongocrypt: $*" >&2
  exit 1
}

release=trixie
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mongofx/libmongocrypt-$release}
if compgen -G "$folder/usr/lib/*/libmongocrypt.so" > /dev/null; then
  echo "$folder"
  exit 0
fi

[[ $(uname -s) == Linux && -r /etc/os-release ]] || cannot "this system is not Linux"
# shellcheck disable=SC1091
own=$(. /etc/os-release && [[ ${ID-} == debian ]] && echo "${VERSION_CODENAME-}") || cannot "this system is not Debian"
# Debian 13 has renamed the library. Newer releases have a new enough libmongocrypt themselves.
case $own in
  trixie | forky | sid) release=$own bson=libbson-1.0-0t64 ;;
  *) bson=libbson-1.0-0 ;;
esac
for tool in apt-get dpkg-deb awk; do command -v "$tool" > /dev/null || cannot "$tool is not installed"; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/{lists,cache/archives}/partial "$work"/{sources,root}
shopt -s nullglob
# Only the sources of the machine's release itself: updates and security have other suites.
for file in /etc/apt/sources.list.d/*.sources; do
  awk -v own="$own" -v release="$release" '
    BEGIN { RS = ""; ORS = "\n\n"; FS = "\n" }
    {
      has = 0
      for (i = 1; i <= NF; i++) {
        if ($i !~ /^Suites:/) continue
        count = split(substr($i, 8), suites, /[ \t]+/)
        for (j = 1; j <= count; j++) if (suites[j] == own) has = 1
        $i = "Suites: " release (own == release ? "" : " " own)
      }
      if (!has) next
      text = $1
      for (i = 2; i <= NF; i++) text = text "\n" $i
      print text
    }' "$file" > "$work/sources/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [[ -r $file ]] || continue
  sed -nE "s/^(deb( +\[[^]]*\])? +[^ ]+) +$own( .*)\$/&\n\1 $release\3/p" "$file" > "$work/sources/$(basename "$file" .list).list"
done
find "$work/sources" -size 0 -delete
[[ -n $(ls "$work/sources") ]] || cannot "apt has no sources of $own to derive the sources of $release from"

apt=(apt-get -qq
  -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources"
  -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o APT::Get::List-Cleanup=0
  -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
"${apt[@]}" update >&2 || cannot "apt cannot fetch the package lists of $release"
(cd "$work" && "${apt[@]}" download "libmongocrypt0/$release" "libmongocrypt-dev/$release" "$bson/$own" >&2) ||
  cannot "apt cannot fetch the packages of $release"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
mv "$work/root" "$folder"
echo "$folder"
