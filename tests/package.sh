#!/usr/bin/env bash
# Installs, starts, upgrades, removes and purges the Debian package over an overlay of this machine's root.
# Arguments: a work folder, a free port, the first package, the package of the next version. Runs in its own mount
# namespace. Exits with 77 if this machine does not permit the overlay.
set -euo pipefail
work=$1 port=$2 first=$3 second=$4

service=
trap '[ -z "$service" ] || kill -KILL "$service" 2>/dev/null || true' EXIT

fail() { echo "FAILED: $1" >&2; exit 1; }
check() { local what=$1; shift; "$@" >/dev/null || fail "$what"; echo "ok: $what"; }
refuse() { local what=$1; shift; if "$@" >/dev/null 2>&1; then fail "$what"; fi; echo "ok: $what"; }

# The upper layer is in memory; the lower one is the root, which stays unchanged.
mkdir -p "$work"
mount -t tmpfs -o mode=0755 tmpfs "$work" || exit 77
mkdir "$work/upper" "$work/scratch" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$work/root" || exit 77
root=$work/root
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir -p "$root/packages"
cp "$first" "$root/packages/first.deb"
cp "$second" "$root/packages/second.deb"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

# The dependencies that this machine lacks are installed first, in the overlay too.
missing=$(inside sh -c 'for p in adduser ca-certificates libssl3 zlib1g; do dpkg -s $p >/dev/null 2>&1 || echo $p; done')
if [ -n "$missing" ]; then
    cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
    # shellcheck disable=SC2086
    inside apt-get install -y -qq --no-install-recommends $missing
fi

inside dpkg -i /packages/first.deb
check "the program is installed" inside cockpit --version
check "the user exists" inside getent passwd plant-cockpit
check "the state directory belongs to the user" inside su -s /bin/sh -c 'test -w /var/lib/plant-cockpit' plant-cockpit
check "the settings are not world-readable" inside sh -c 'test "$(stat -c %a:%G /etc/plant-cockpit/cockpit.env)" = 640:plant-cockpit'
check "the manual page exists" inside test -s /usr/share/man/man1/cockpit.1
check "the completions exist" inside test -s /usr/share/bash-completion/completions/cockpit
if inside test -x /usr/bin/systemd-analyze; then
    check "the unit is valid" inside systemd-analyze verify --man=no /usr/lib/systemd/system/cockpit.service
    # 0 is locked down, 10 is open.
    check "the unit is hardened" inside systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/cockpit.service
fi
# What the program links to is what the package depends on.
linked=$(inside sh -c 'ldd /usr/bin/cockpit' | awk '/=> \//{print $3}' | xargs -n1 readlink -f | xargs -n1 basename | sort -u)
for library in $linked; do
    case $library in
        libc.so.*|libm.so.*|libgcc_s.so.*|libssl.so.3|libcrypto.so.3|libz.so.*) ;;
        *) fail "the package does not depend on the package of $library" ;;
    esac
done
echo "ok: dependencies cover the linked libraries"

# Starts the unit's command as the unit's user with the unit's environment, as systemd would.
start() {
    # `exec` keeps the process id through chroot, sh and setpriv, so that signals reach the program.
    (exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin sh -c 'set -a; . /etc/plant-cockpit/cockpit.env; set +a; cd /var/lib/plant-cockpit;
        command=$(sed -n "s/^ExecStart=//p" /usr/lib/systemd/system/cockpit.service);
        exec setpriv --reuid plant-cockpit --regid plant-cockpit --init-groups $command' 2>"$work/service.log") &
    service=$!
    for _ in $(seq 600); do
        if curl -fsS "http://127.0.0.1:$port/api/v1/health" >/dev/null 2>&1; then return; fi
        kill -0 "$service" 2>/dev/null || { cat "$work/service.log"; fail "the service exited"; }
        sleep 0.1
    done
    fail "the service did not answer within 60 s"
}
stop() {
    kill -TERM "$service"
    wait "$service" || fail "the service did not exit with success"
    service=
}

inside sed -i "s/^COCKPIT_LISTEN=.*/COCKPIT_LISTEN=127.0.0.1:$port/" /etc/plant-cockpit/cockpit.env
start
echo "ok: the service runs as its user"
stop
echo "ok: the service stops"

inside dpkg -i /packages/second.deb
check "the upgrade is installed" inside sh -c 'dpkg -s plant-cockpit | grep -q "^Version: 0.0.2$"'
check "changed settings are kept" inside grep -q "^COCKPIT_LISTEN=127.0.0.1:$port$" /etc/plant-cockpit/cockpit.env
start
stop
echo "ok: the upgraded service runs"

inside dpkg -r plant-cockpit
refuse "the program is removed" inside test -e /usr/bin/cockpit
check "settings survive a removal" inside test -e /etc/plant-cockpit/cockpit.env
inside dpkg -P plant-cockpit
refuse "a purge deletes the settings" inside test -e /etc/plant-cockpit/cockpit.env
check "a purge keeps the lake" inside test -d /var/lib/plant-cockpit/lake
