"""Programs that the real base images have and Debian's static busybox lacks, as small scripts: apk or apt-get, adduser.

Dockerfiles call them so often that a stand-in without them would rarely be useful. A script reports what it cannot do.
"""

from __future__ import annotations

TZDATA = "/usr/share/devctl/tzdata.tar.gz"

_PACKAGES = f"""\
#!/bin/sh
stand_in="@TOOL@: this image is devctl's stand-in of @REF@, made without a registry"
verb= skip= missing= without=
for word in "$@"; do
  if [ -n "$skip" ]; then skip=; continue; fi
  case "$word" in
    -t|--virtual|-X|--repository|-o) skip=1; continue ;;
    -*) continue ;;
  esac
  if [ -z "$verb" ]; then verb=$word; continue; fi
  case "$verb" in add|install) ;; *) continue ;; esac
  case "${{word%%[=<>~@]*}}" in
    .*|ca-certificates|ca-certificates-bundle|busybox|@HERE@) ;;
    tzdata) mkdir -p /usr/share && tar -xzf {TZDATA} -C /usr/share || exit 1 ;;
    git|openssh|openssh-client|mercurial|subversion|bzr) without="$without $word" ;;
    *) command -v "${{word%%[=<>~@]*}}" >/dev/null || missing="$missing $word" ;;
  esac
done
case "$verb" in
  add|install)
    [ -z "$without" ] || echo "$stand_in; it goes on without$without: Go asks its proxy for modules" >&2
    [ -z "$missing" ] && exit 0; echo "$stand_in; it cannot install:$missing" >&2 ;;
  update|upgrade|del|fix|clean|autoremove|remove|purge) exit 0 ;;
  *) echo "$stand_in; it knows no '@TOOL@ $verb'" >&2 ;;
esac
echo "@TOOL@: save the real image where a registry answers (devctl bases save FILE) and load it here (devctl bases load FILE)" >&2
exit 1
"""

_ADDGROUP = """\
#!/bin/sh
gid= next=1000
while [ $# -gt 0 ]; do
  case "$1" in
    -g|--gid) gid=$2; shift ;;
    -S|--system) next=101 ;;
    -*) ;;
    *) break ;;
  esac
  shift
done
if [ $# -eq 2 ]; then
  grep -q "^$2:" /etc/group || { echo "addgroup: unknown group $2" >&2; exit 1; }
  exec sed -i -e "/^$2:/s/[^:]\\$/&,/" -e "/^$2:/s/\\$/$1/" /etc/group
fi
grep -q "^$1:" /etc/group && { echo "addgroup: group '$1' in use" >&2; exit 1; }
if [ -z "$gid" ]; then
  gid=$next
  while grep -q "^[^:]*:[^:]*:$gid:" /etc/group; do gid=$((gid + 1)); done
fi
echo "$1:x:$gid:" >>/etc/group
"""

_ADDUSER = """\
#!/bin/sh
uid= home= shell=/bin/sh group= gecos= next=1000 system= nohome=
while [ $# -gt 0 ]; do
  case "$1" in
    -u|--uid) uid=$2; shift ;;
    -h|--home) home=$2; shift ;;
    -s|--shell) shell=$2; shift ;;
    -G|--ingroup) group=$2; shift ;;
    -g|--gecos) gecos=$2; shift ;;
    -k|--skel) shift ;;
    -S|--system) system=1 next=100 shell=/sbin/nologin ;;
    -H|--no-create-home) nohome=1 ;;
    -*) ;;
    *) break ;;
  esac
  shift
done
[ $# -eq 2 ] && exec addgroup "$1" "$2"
grep -q "^$1:" /etc/passwd && { echo "adduser: user '$1' in use" >&2; exit 1; }
if [ -z "$uid" ]; then
  uid=$next
  while grep -q "^[^:]*:[^:]*:$uid:" /etc/passwd; do uid=$((uid + 1)); done
fi
if [ -z "$group" ]; then
  if [ -n "$system" ]; then group=nobody; else group=$1; addgroup -g "$uid" "$1" || exit 1; fi
fi
gid=$(sed -n "s/^$group:[^:]*:\\([0-9]*\\):.*/\\1/p" /etc/group)
[ -n "$gid" ] || { echo "adduser: unknown group $group" >&2; exit 1; }
home=${home:-/home/$1}
echo "$1:x:$uid:$gid:${gecos:-$1}:$home:$shell" >>/etc/passwd
[ -n "$nohome" ] || { mkdir -p "$home" && chown "$uid:$gid" "$home"; }
"""


def scripts(ref: str) -> dict[str, str]:
    """Path in the image → content, for a stand-in of `ref`: an alpine has apk, any other golang apt-get."""
    alpine = "alpine" in ref
    tool, place = ("apk", "sbin/apk") if alpine else ("apt-get", "usr/bin/apt-get")
    here = "musl|alpine-baselayout" if alpine else "build-essential|libc6-dev|libc-dev"
    packages = _PACKAGES.replace("@REF@", ref).replace("@TOOL@", tool).replace("@HERE@", here)
    return {place: packages, "usr/sbin/addgroup": _ADDGROUP, "usr/sbin/adduser": _ADDUSER}
