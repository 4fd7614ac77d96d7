#!/bin/sh
# Corrects the configuration that Ray has written for HAProxy, then becomes HAProxy.
#
# No setting of Ray changes what is corrected here, but one names the program to run.
# It stays the same process with the same arguments: Ray knows its own HAProxy by them.
set -eu

previous=
config=
for argument in "$@"; do
    if [ "$previous" = "-f" ]; then
        config=$argument
    fi
    previous=$argument
done

# Metrics and statistics are opened on every interface; they are nobody's business.
for port in "$RAY_SERVE_HAPROXY_METRICS_PORT" "$RAY_SERVE_HAPROXY_STATS_PORT"; do
    sed -i -e "s/^\( *bind \)\*\{0,1\}:$port\$/\1127.0.0.1:$port/" "$config"
done

# Replicas would take everybody for this machine: let them know who asks.
grep -q '^ *option forwardfor' "$config" || sed -i -e 's/^defaults$/&\n    option forwardfor/' "$config"

# Headers come whole within seconds, or the place is for others. A WebSocket is silent
# for longer than a request may be.
insert=$(printf '    timeout http-request %s\\\n    timeout tunnel %s' \
    "${HAPROXY_TIMEOUT_HTTP_REQUEST:-10s}" "${HAPROXY_TIMEOUT_TUNNEL:-1h}")
grep -q '^ *timeout tunnel' "$config" || sed -i -e "s/^defaults\$/&\\
$insert/" "$config"

# Pipes splice large bodies, which we do not have; by default they take a fifth of all
# files. A HAProxy with too few files is better than none.
grep -q '^ *maxpipes' "$config" ||
    sed -i -e 's/^global$/&\n    maxpipes 256\n    no strict-limits/' "$config"

# One address holds so many connections at most. Proxies and NAT gateways of our own
# side stand for many clients: they have no limit here.
if [ "${HAPROXY_CONNECTIONS_PER_ADDRESS:-0}" -gt 0 ] && ! grep -q '^ *stick-table' "$config"; then
    sed -i -e "/^frontend http_frontend\$/,/^ *bind /{/^ *bind /a\\
    stick-table type ipv6 size 100k expire 1m store conn_cur\\
    acl is_own_side src ${HAPROXY_OWN_SIDE:-127.0.0.0/8 ::1}\\
    tcp-request connection track-sc0 src,ipmask(32,64) if !is_own_side\\
    tcp-request connection reject if { sc0_conn_cur gt $HAPROXY_CONNECTIONS_PER_ADDRESS }
}" "$config"
fi

# A log line shows the path and never the query, which may hold a token. Without a
# target that the user names, nothing is logged: any program may listen on Ray's.
sed -i -e 's|^\( *\)option httplog$|\1log-format "%ci:%cp [%tr] %ft %b/%s %Ta %ST %B %ts %HM %HPO"|' "$config"
if [ -z "${RAY_SERVE_HAPROXY_LOG_TARGET:-}" ]; then
    sed -i -e '/^ *log [^ ]* local0 info$/d' "$config"
fi

# While no replica answers yet, or none any more, Ray has it say 404 or 500. A platform
# might give up on a webhook for that; "come again" is what we mean.
body='{"detail":"starting or restarting, please try again"}'
sed -i -e "s|^\( *http-request return status \)404 .*|\1503 content-type application/json hdr Retry-After 1 string '$body'|" "$config"
printf 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
    "${#body}" "$body" >"$(dirname "$config")/500.http"

# Where the kernel can be asked to, HAProxy dies with the process that minds it: one
# that is left over would keep the port and answer errors on it.
if command -v setpriv >/dev/null 2>&1; then
    exec setpriv --pdeathsig KILL "$HAPROXY_PROGRAM" "$@"
fi
exec "$HAPROXY_PROGRAM" "$@"
