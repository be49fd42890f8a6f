#!/usr/bin/env bash
# Unpacks the libmongocrypt of Debian 13, with its headers, into a folder and prints its path, for `node scripts/mongocrypt.mjs`.
# Older releases of Debian have one that lacks half of what the driver calls. Nothing is installed. The sources and the keys are
# those that this machine's own apt has, with the name of the release in the place of the machine's. Its libbson is the machine's
# own, since that of a newer release needs a newer C library. Says on stderr why it cannot.
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

[[ $(uname -s) == Linux && -r /etc/os-release ]] || cannot "this is no Linux"
# shellcheck disable=SC1091
own=$(. /etc/os-release && [[ ${ID-} == debian ]] && echo "${VERSION_CODENAME-}") || cannot "this is no Debian"
# Debian 13 has renamed the library; a release that is newer still has what is needed itself.
case $own in
  trixie | forky | sid) release=$own bson=libbson-1.0-0t64 ;;
  *) bson=libbson-1.0-0 ;;
esac
for tool in apt-get dpkg-deb awk; do command -v "$tool" > /dev/null || cannot "there is no $tool"; done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/{lists,cache/archives}/partial "$work"/{sources,root}
shopt -s nullglob
# Only what the machine has of its own release as such: no updates and no security, which have other suites.
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
[[ -n $(ls "$work/sources") ]] || cannot "apt has no sources of $own to derive those of $release from"

apt=(apt-get -qq
  -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources"
  -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o APT::Get::List-Cleanup=0
  -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
"${apt[@]}" update >&2 || cannot "the package lists of $release cannot be had"
(cd "$work" && "${apt[@]}" download "libmongocrypt0/$release" "libmongocrypt-dev/$release" "$bson/$own" >&2) ||
  cannot "the packages of $release cannot be had"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
mv "$work/root" "$folder"
echo "$folder"
