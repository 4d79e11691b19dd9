#!/bin/sh
# machine.sh CGROUP OUTER_LINK OUTER_ADDRESS INNER_ADDRESS [FROM TO]...
#
# A machine for tests: the host's own systemd as process 1 of new namespaces, on a throw-away overlay of the host's files.
# Runs as root in a mount and a network namespace of its own, as `unshare --mount --net` gives them. Each FROM of the host
# is seen as TO, read-only. Says `booted PID` at each boot; the process with that number becomes process 1. A reboot boots
# again, with the same files; any other end is told as `ended CODE`. All of it ends with our standard input: also when
# those who started us die in whatever way. No namespace has a name, so nothing of them is left, and the cgroup is removed.
set -eu
disk=/mnt

outside() {
	nsenter --target "$PPID" --net "$@"
}

plug() {
	ip link set lo up
	ip link add cable0 type veth peer name "$outer_link" netns "$PPID"
	ip address add "$inner_address/30" dev cable0
	ip link set cable0 up
	outside ip address add "$outer_address/30" dev "$outer_link"
	outside ip link set "$outer_link" up
}

# Nothing starts that the host has enabled, nor what systemd starts by itself, but for its journal, bus and logins.
keep_basics() {
	rm -rf "$1"/etc/systemd/system/*.wants "$1"/etc/systemd/system/*.requires "$1"/etc/rc?.d
	for wanted in "$1"/usr/lib/systemd/system/*.wants/* "$1"/lib/systemd/system/*.wants/*; do
		case $wanted in
		*/systemd-journald* | */systemd-logind.service | */dbus.s* | */systemd-tmpfiles-setup.service) ;;
		*) rm -f "$wanted" ;;
		esac
	done
	: >"$1/etc/fstab"
	echo sollol-test >"$1/etc/hostname"
	tr -d - </proc/sys/kernel/random/uuid >"$1/etc/machine-id" # an empty one would enable all that a vendor presets
	mkdir -p "$1/etc/systemd/journald.conf.d"
	printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >"$1/etc/systemd/journald.conf.d/test.conf"
}

make_disk() {
	mount -t tmpfs -o mode=755 tmpfs "$disk"
	mkdir "$disk/upper" "$disk/work" "$disk/root"
	mount_root
	keep_basics "$disk/root"
	umount "$disk/root"
}

mount_root() {
	mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
}

make_devices() {
	mount -t tmpfs -o mode=755 tmpfs "$1"
	mkdir "$1/pts" "$1/shm"
	mknod -m 666 "$1/null" c 1 3
	mknod -m 666 "$1/zero" c 1 5
	mknod -m 666 "$1/full" c 1 7
	mknod -m 666 "$1/random" c 1 8
	mknod -m 666 "$1/urandom" c 1 9
	mknod -m 666 "$1/tty" c 5 0
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$1/shm"
	ln -s pts/ptmx "$1/ptmx"
	ln -s /proc/self/fd "$1/fd"
	ln -s /proc/self/fd/0 "$1/stdin"
	ln -s /proc/self/fd/1 "$1/stdout"
	ln -s /proc/self/fd/2 "$1/stderr"
}

bind_all() {
	while [ $# -gt 0 ]; do
		mkdir -p ".$(dirname "$2")"
		if [ -d "$1" ]; then mkdir -p ".$2"; else : >".$2"; fi
		mount --bind "$1" ".$2"
		mount -o remount,bind,ro ".$2"
		shift 2
	done
}

# The shell that runs this becomes process 1.
become_systemd() {
	read -r pid _ </proc/self/stat # the host's number: this is still the host's /proc
	mount_root
	cd "$disk/root"
	mount -t proc proc proc
	mount -t sysfs -o ro sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs run
	mount -t tmpfs -o mode=1777 tmpfs tmp
	make_devices dev
	bind_all "$@"
	hostname sollol-test
	mkdir -p .old
	pivot_root . .old
	umount -l /.old
	rmdir /.old
	mount --make-rshared / # as systemd itself does outside of containers: credentials come by propagation
	echo "booted $pid"
	exec env -i container=sollol-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
		--unit=multi-user.target --log-target=journal --show-status=false </dev/null >/dev/null
}

boot() {
	sh -c 'echo 0 >"$1/cgroup.procs"; shift; exec unshare --pid --mount --uts --ipc --cgroup --fork "$@"' \
		sh "$cgroup" sh "$0" become_systemd "$@"
}

boot_for_ever() {
	code=129 # 128 + SIGHUP, by which a namespace's process 1 ends when it reboots
	while [ "$code" -eq 129 ]; do
		code=0
		boot "$@" || code=$?
	done
	echo "ended $code"
}

clean_up() {
	kill -KILL "$boots" 2>/dev/null || :
	ip link delete cable0 2>/dev/null || : # with our namespace it would go some time later
	tries=100
	while [ $((tries -= 1)) -ge 0 ]; do
		echo 1 >"$cgroup/cgroup.kill" || :
		find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && return
		sleep 0.1
	done
	echo "cannot remove $cgroup" >&2
}

if [ "$1" = become_systemd ]; then
	shift
	become_systemd "$@"
fi
cgroup=$1 outer_link=$2 outer_address=$3 inner_address=$4
shift 4
mkdir "$cgroup"
boots=
trap clean_up EXIT
make_disk
plug
boot_for_ever "$@" </dev/null &
boots=$!
cat >/dev/null
