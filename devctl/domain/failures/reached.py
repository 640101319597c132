"""A service that ended because something that it calls was not reached."""

from __future__ import annotations

from devctl.domain.failures.entry import START, Failure
from devctl.errors import ExitCode

_HOSTS = r"(?!localhost\b|127\.0\.0\.1\b|\[?::1)"

REACHED: tuple[Failure, ...] = (
    Failure(
        "dependency-on-localhost",
        START,
        r"dial tcp (?P<address>(?:127\.0\.0\.1|\[::1\]):(?P<port>\d+)): connect: connection refused",
        "it calls {address}, and nothing listens there: in a container, localhost is the container itself",
        "give it the name of a service of the compose file, as `db:{port}`, in `environment:` there or in devctl.yaml "
        "`services: {{{service}: {{env: {{NAME: …}}}}}}`; for a program on the host: host.docker.internal:{port} "
        'with `extra_hosts: ["host.docker.internal:host-gateway"]`',
    ),
    Failure(
        "dependency-refuses",
        START,
        r"dial tcp " + _HOSTS + r"(?P<address>\S+?:\d+): connect: connection refused",
        "it calls {address}, and nothing listens there yet",
        "give the dependency a health check and `depends_on: {{NAME: {{condition: service_healthy}}}}`; check the port: "
        "between containers it is the container's, not the published one",
    ),
    Failure(
        "dependency-name-unknown",
        START,
        r"dial (?:tcp|udp): lookup (?P<name>[\w.-]+)(?: on \S+)?: (?:no such host|server misbehaving|Temporary failure)"
        r"|hostname resolving error: lookup (?P<name2>[\w.-]+)",
        "it calls {name}, and that name is unknown in the container",
        "the name must be a service of the compose file, on a network that both are in; devctl status shows what runs",
    ),
    Failure(
        "dependency-times-out",
        START,
        r"dial tcp (?P<address>[^\s:]+:\d+): (?:i/o timeout|connect: (?:connection timed out|no route to host))",
        "it calls {address}, and nothing answers",
        "are both on the same network of the compose file? a VPN or firewall between the container and {address}?",
    ),
    Failure(
        "database-login",
        START,
        r'(?:password authentication failed for user "(?P<user>[^"]+)"|Access denied for user \'(?P<user2>[^\']+)\')',
        "the database does not accept the password of {user}",
        "make both sides read the same variable; a volume keeps the password it was made with: devctl down --volumes makes it "
        "anew, and deletes its data",
    ),
    Failure(
        "database-missing",
        START,
        r'database "(?P<name>[^"]+)" does not exist|Unknown database \'(?P<name2>[^\']+)\'',
        "there is no database {name}",
        "create it, or set POSTGRES_DB/MYSQL_DATABASE before the volume is first made",
        "those variables count only for an empty volume",
    ),
    Failure(
        "table-missing",
        START,
        r'(?<!of )relation "(?P<name>[^"]+)" does not exist|Table \'(?P<name2>[^\']+)\' doesn\'t exist'
        r"|no such table: (?P<name3>\S+)",
        "there is no table {name}",
        "run the migrations first: a job with `depends_on: {{migrate: {{condition: service_completed_successfully}}}}`",
    ),
    Failure(
        "certificates-missing",
        START,
        r"x509: certificate signed by unknown authority|x509: failed to load system roots",
        "it calls a server whose certificate the image cannot check",
        "COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ (scratch has none); a company's own: add it there",
        "the image has no CA certificates, or not that one",
    ),
    Failure(
        "certificate-expired",
        START,
        r"x509: certificate has expired or is not yet valid: current time \S+ is after (?P<end>\S+)",
        "it calls a server whose certificate ended at {end}",
        "renew that certificate; is this machine's clock right?",
        exit=ExitCode.PROJECT,
    ),
)
