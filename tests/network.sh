#!/usr/bin/env bash
# Opens the pages and reads a table over TLS from another machine: service and client run in two network namespaces
# that a pair of virtual interfaces connects, without a route to anything else.
# Arguments: a work folder, the program, a lake with data. CHROMIUM is the path of the browser. Requires root.
set -euo pipefail
work=$1 program=$2 lake=$3
root=$(cd "$(dirname "$0")/.." && pwd)

plant=cockpit-plant-$$ office=cockpit-office-$$
address=192.0.2.1 client_address=192.0.2.2 port=8443
name=cockpit.plant.test
url=https://$name:$port
user=olga
start_limit_s=60

service=
clean() {
    if [ -n "$service" ]; then kill -KILL "$service" 2>/dev/null || true; fi
    # The interfaces disappear with their namespaces.
    ip netns del "$plant" 2>/dev/null || true
    ip netns del "$office" 2>/dev/null || true
}
trap clean EXIT
trap 'exit 1' INT TERM

fail() { echo "FAILED: $1" >&2; exit 1; }
same() { if [ "$2" = "$3" ]; then echo "ok: $1"; else fail "$1: $2, expected $3"; fi; }

ip netns add "$plant"
ip netns add "$office"
ip -n "$plant" link add name line type veth peer name line netns "$office"
ip -n "$plant" address add "$address/24" dev line
ip -n "$office" address add "$client_address/24" dev line
for namespace in "$plant" "$office"; do
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link set line up
done
in_office() { ip netns exec "$office" "$@"; }

mkdir -p "$work"
cd "$work"
export COCKPIT_ACCESS_STATE=$work/state
"$program" certificate --host "$name" --dir "$work" >/dev/null
certificate=$work/cockpit.crt
(umask 077; head -c 24 /dev/urandom | base64 >password)
"$program" user add "$user" --role administrator --password-file password >/dev/null

# Passwords and tokens are read from files, so that they are not among the arguments of a process.
client() { in_office curl -sS --max-time 30 --resolve "$name:$port:$address" "$@"; }
trusting() { client --cacert "$certificate" "$@"; }
status() { trusting -o answer -w '%{http_code}' "$@"; }
refused() {
    local what=$1 expected=$2 code=0
    shift 2
    "$@" >/dev/null 2>&1 || code=$?
    same "$what" "exit code $code of curl" "exit code $expected of curl"
}

# `exec` keeps the process id through the subshell and ip, so that signals reach the program.
(exec ip netns exec "$plant" "$program" serve --no-ingest --lake "$lake" --listen "$address:$port" --host "$name" \
    --certificate "$certificate" --key cockpit.key >service.log 2>&1) &
service=$!
deadline=$((SECONDS + start_limit_s))
until trusting -f -o answer "$url/api/v1/health" 2>/dev/null; do
    kill -0 "$service" 2>/dev/null || { cat service.log >&2; fail "the service exited"; }
    [ "$SECONDS" -lt "$deadline" ] || { cat service.log >&2; fail "no answer within $start_limit_s s"; }
    sleep 0.1
done
echo "ok: the service answers another machine by its name"

# Exit codes of curl: 60 is a certificate that is not trusted or has another name.
refused "a certificate that the client does not trust" 60 client "$url/api/v1/health"
refused "a certificate of another name" 60 trusting --resolve "other.test:$port:$address" \
    "https://other.test:$port/api/v1/health"
same "a host that is not configured" \
    "$(status --insecure --resolve "other.test:$port:$address" "https://other.test:$port/api/v1/health")" 421
same "plain HTTP" "$(status "http://$name:$port/api/v1/health")" 400
grep -q https:// answer || fail "the answer to plain HTTP does not name HTTPS"

table=$url/api/v1/tables/gold/production_daily
same "a table without a token" "$(status "$table?limit=1")" 401
same "a page without a session leads to the login" \
    "$(trusting -o answer -w '%{http_code} %{redirect_url}' "$url/make")" "303 $url/login?next=%2Fmake"

printf '{"name":"%s","password":"%s"}' "$user" "$(cat password)" >login.json
same "the administrator logs in" \
    "$(status -c cookies -H 'Content-Type: application/json' --data-binary @login.json "$url/api/v1/session")" 200
same "the cookie is bound to this host and to TLS" "$(awk '/__Host-cockpit/{print $2, $4}' cookies)" "FALSE TRUE"
wanted='{"name":"remote","actions":["read_tables","download"],"scope":"plant","life_s":3600}'
same "a token is created" "$(status -b cookies -H "Origin: $url" -H 'Content-Type: application/json' \
    --data-binary "$wanted" "$url/api/v1/account/tokens")" 201
python3 -c 'import json; print("Authorization: Bearer " + json.load(open("answer"))["secret"])' >bearer

same "the token reads the table" "$(status -H @bearer "$table?limit=5")" 200
same "as many rows as requested" "$(python3 -c 'import json; print(len(json.load(open("answer"))["rows"]))')" 5
trusting -H @bearer -D head -o table.parquet "$table?format=parquet"
same "the table as Parquet" "$(head -c 4 table.parquet)$(tail -c 4 table.parquet)" PAR1PAR1
grep -qi '^strict-transport-security:' head || fail "no Strict-Transport-Security"
same "the token does not permit SQL" "$(status -H @bearer -H 'Content-Type: application/json' \
    --data-binary '{"sql":"SELECT 1"}' "$url/api/v1/query")" 403

pin=$(openssl x509 -in "$certificate" -pubkey -noout | openssl pkey -pubin -outform der |
    openssl dgst -sha256 -binary | base64)
(cd "$root/ui" && COCKPIT_URL=$url COCKPIT_ADDRESS=$address COCKPIT_PIN=$pin COCKPIT_USER=$user \
    COCKPIT_PASSWORD_FILE=$work/password in_office node test/remote.mjs) || fail "the pages in a browser"

kill -TERM "$service"
wait "$service" || { cat service.log >&2; fail "the service did not exit with success"; }
service=
echo "ok: the service stops"
