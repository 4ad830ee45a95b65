/**
 * The one table of error codes: HTTP status, exit code, title, cause and remedy. It feeds the API's problem documents,
 * the CLI's messages and exit codes, `plexichat explain` and docs/ERRORS.md.
 *
 * Exit codes (docs/ERRORS.md): 1 error · 2 usage · 3 partial · 4 untrusted key · 10 not initialised · 11 busy ·
 * 12 wrong passphrase or phrase · 13 daemon not running · 14 too few peers or no quota · 15 integrity · 16 network ·
 * 17 permission · 18 not found · 130 interrupted. `{name}` stands for the error's detail of that name.
 */
export interface ErrorEntry {
  readonly http: number
  readonly exit: number
  /** What happened, one line. */
  readonly title: string
  /** Why it happens, for `explain`. */
  readonly why: string
  /** What to do, with a command where one helps. */
  readonly remedy: string
}

const table = {
  // --- AUTH: who is asking ---
  AUTH_TOKEN_REQUIRED: e(
    401,
    17,
    'this request needs a token',
    'Requests over TCP carry a bearer token; the Unix socket of the same account needs none.',
    'send "Authorization: Bearer" with the content of <home>/run/token',
  ),
  AUTH_TOKEN_INVALID: e(
    401,
    17,
    'the token is not valid',
    'The token is wrong, expired or was revoked.',
    'read <home>/run/token again; it changes when the daemon restarts',
  ),
  AUTH_FORBIDDEN: e(
    403,
    17,
    'not allowed: {reason}',
    'The certificate, role or origin does not permit this.',
    'plexichat identity show',
  ),
  AUTH_ORIGIN: e(
    403,
    17,
    'request from a foreign origin refused',
    'The Host or Origin header is not one of this daemon; browsers of other sites are kept out.',
    'open the address that `plexichat status` prints',
  ),
  AUTH_CERTIFICATE: e(
    403,
    4,
    'certificate refused: {reason}',
    'A device must show a certificate that its vault signed, for the key it connects with, not expired and not revoked.',
    'plexichat identity check',
  ),
  AUTH_REVOKED: e(
    403,
    17,
    'this device was revoked',
    'The vault has revoked the serial of this device; hosts refuse everything from it.',
    'plexichat recover',
  ),
  AUTH_GRANT_MISSING: e(
    403,
    17,
    'this device may not {grant}',
    'The certificate lacks the grant for this verb: a write-only device stores, and reads nothing back.',
    'do it on a device that may: plexichat identity devices',
  ),
  AUTH_PASSPHRASE_WRONG: e(
    401,
    12,
    'wrong passphrase or key file',
    'The keystore could not be opened.',
    'set PLEXICHAT_PASSPHRASE_FILE to a file with the right passphrase',
  ),
  AUTH_PASSPHRASE_REQUIRED: e(
    401,
    12,
    'the keystore is sealed with a passphrase',
    'This home was made with --passphrase-file.',
    'PLEXICHAT_PASSPHRASE_FILE=FILE plexichat up',
  ),
  AUTH_PHRASE_INVALID: e(
    400,
    12,
    'these are not valid recovery words: {reason}',
    'The phrase is 24 English words whose last one carries a checksum.',
    'check spelling and order; plexichat identity check',
  ),
  AUTH_PHRASE_MISMATCH: e(
    403,
    12,
    'the words belong to another vault',
    'The phrase is valid but its vault id is not the one of this home.',
    'use the words printed by the init of this vault',
  ),

  // --- VALIDATION: malformed input ---
  VALIDATION_USAGE: e(
    400,
    2,
    '{reason}',
    'The command line or request is not of the documented form.',
    'plexichat help',
  ),
  VALIDATION_FORMAT: e(
    400,
    2,
    'malformed value, expected {expected}',
    'A value could not be decoded.',
    'plexichat help',
  ),
  VALIDATION_DECODE: e(
    400,
    15,
    'malformed {what}: {reason}',
    'Stored or received bytes are not of their format; decoders accept nothing approximate.',
    'plexichat verify',
  ),
  VALIDATION_LIMIT: e(
    413,
    2,
    '{what} exceeds its limit of {limit}',
    'Every length and count has a bound.',
    'make it smaller',
  ),
  VALIDATION_VERSION: e(
    400,
    1,
    'unknown version {version} of {what}',
    'It was written by a newer program.',
    'update PlexiChat',
  ),
  VALIDATION_NOT_SUPPORTED: e(
    501,
    2,
    '{what} is not available in this version',
    'The command or route is reserved.',
    'plexichat version',
  ),

  // --- STORAGE: what is stored, here and on hosts ---
  STORAGE_NOT_FOUND: e(404, 18, 'not found: {what}', 'Nothing of that name exists.', 'check the name'),
  STORAGE_SNAPSHOT_NOT_FOUND: e(
    404,
    18,
    'no snapshot {snapshot}',
    'The id is wrong, ambiguous, or nothing matches the filter.',
    'plexichat snapshots',
  ),
  STORAGE_SOURCE_NOT_FOUND: e(
    404,
    18,
    'no source {source}',
    'Nothing to back up is known under this name.',
    'plexichat source ls',
  ),
  STORAGE_EXISTS: e(409, 1, '{what} exists already', 'Names are unique.', 'choose another name, or remove it first'),
  STORAGE_BACKUP_OVERDUE: e(
    503,
    1,
    'no backup of {source} for {days} days',
    'The newest backup is older than its policy wants: no schedule, a machine that was off, or backups that fail.',
    'back up now, or let a schedule do it: plexichat schedule ls',
  ),
  STORAGE_BACKUP_FAILED: e(
    500,
    1,
    'the scheduled backup of {source} failed: {reason}',
    'A schedule started it and no snapshot came of it.',
    'plexichat schedule ls',
  ),
  STORAGE_PATH_NOT_FOUND: e(
    404,
    18,
    'no {path} in snapshot {snapshot}',
    'The snapshot does not hold this path.',
    'plexichat ls {snapshot} -R',
  ),
  STORAGE_SHARD_NOT_FOUND: e(
    404,
    18,
    'no shard {shardId}',
    'This shard is not stored here, or was released.',
    'plexichat shard ls',
  ),
  STORAGE_SHARD_CORRUPT: e(
    422,
    15,
    'shard {shardId} is damaged',
    'Its bytes do not have the Merkle root that is its id.',
    'plexichat verify --read-data',
  ),
  STORAGE_SHARD_SIZE: e(
    400,
    15,
    'a shard of {bytes} bytes',
    'Every shard is exactly 1,048,576 bytes.',
    'plexichat shard verify FILE',
  ),
  STORAGE_UNRESTORABLE: e(
    422,
    15,
    'too few intact shards are left of {lost stripe(s)}',
    'Too many holders are gone or damaged; the list names the snapshots and files hit.',
    'bring holders back online, then: plexichat verify --read-data',
  ),
  STORAGE_BROKEN_OFF: e(
    500,
    15,
    'the data ended early: something of it could not be read',
    'The answer had begun when a part was found lost, damaged or out of reach; what came is not whole.',
    'plexichat verify; the reason stands in: plexichat logs',
  ),
  STORAGE_CHUNK_CORRUPT: e(
    422,
    15,
    'a chunk does not match its id',
    'Decrypted data is not what was backed up.',
    'plexichat verify --read-data',
  ),
  STORAGE_HEAD_STALE: e(
    409,
    15,
    'head seq {seq} refused: {newest} is known',
    'An older or forked head must never replace a newer one.',
    'plexichat recover',
  ),
  STORAGE_HEAD_FORKED: e(
    409,
    15,
    'two different heads with seq {seq}',
    'The same device wrote two histories: a copied or restored disk image.',
    'plexichat recover',
  ),
  STORAGE_NO_HEAD: e(
    404,
    18,
    'no backup of this vault was found',
    'No reachable member holds a head of this vault.',
    'plexichat recover --bootstrap ADDRESS',
  ),
  STORAGE_OUTBOX_FULL: e(
    507,
    14,
    'the outbox is full',
    'Sealed shards wait for hosts and the bound is reached.',
    'find hosts: plexichat invite; or name a disk: plexichat remote add DIR',
  ),
  STORAGE_TOO_FEW_HOSTS: e(
    503,
    14,
    'too few hosts: {eligible} eligible, {needed} needed',
    'A stripe must reach k+1 hosts (k with a single host).',
    'plexichat invite',
  ),
  STORAGE_QUOTA_EXCEEDED: e(
    507,
    14,
    'no room: {reason}',
    'The host has no quota left for this vault, or keeps 10 % of its disk free.',
    'plexichat host resize',
  ),
  STORAGE_DISK_FULL: e(
    507,
    1,
    'the disk is full',
    'The file system has no room left; nothing that was acknowledged is lost.',
    'free some space and run the command again',
  ),
  STORAGE_IO: e(
    500,
    1,
    'the disk reports an error: {reason}',
    'Reading or writing failed.',
    'check the disk, then: plexichat verify',
  ),
  STORAGE_SOURCE_UNREADABLE: e(
    422,
    3,
    'could not read {path}: {reason}',
    'The file is not readable by this account or changed while it was read.',
    'look at the path: ls -ld PATH; then run the backup again, or leave the path out: --exclude PATH',
  ),
  STORAGE_COMMAND_FAILED: e(
    422,
    1,
    'the command failed: {reason}',
    'Its output counts only when it ends with exit code 0; no snapshot was made of what it had written.',
    'mend the command and run the backup again; what it wrote to standard error: plexichat jobs show ID',
  ),
  STORAGE_PARTIAL: e(
    207,
    3,
    '{count item(s)} could not be read',
    'The rest was backed up; the skipped ones are listed.',
    'see the list, then run the backup again',
  ),
  STORAGE_RESTORE_PARTIAL: e(
    207,
    3,
    '{count item(s)} could not be restored',
    'The rest was restored; the failed ones are listed.',
    'run the same restore again',
  ),
  STORAGE_TARGET_REFUSED: e(
    422,
    1,
    'the file system does not take it: {reason}',
    'A name, link target, size or device number that cannot be where it is restored to.',
    'restore to another file system, or nearer to its top',
  ),
  STORAGE_TARGET_EXISTS: e(
    409,
    1,
    '{path} exists and is different',
    'Restore does not overwrite without being told so.',
    'add --overwrite always, or choose another --to',
  ),
  STORAGE_RELEASED: e(
    409,
    1,
    'shard {shardId} is released',
    'A release was requested; it takes effect after the retention floor and can be undone until then.',
    'plexichat shard show {shardId}',
  ),
  STORAGE_FORGET_ALL: e(
    409,
    2,
    'this would forget every snapshot of {group}',
    'At least one snapshot stays, so that a mistyped rule or tag never costs all there is.',
    'plexichat forget --keep-last 1 --dry-run',
  ),
  STORAGE_FORGET_LIMIT: e(
    409,
    11,
    'more than {limit} forgotten snapshots wait to be pruned',
    'A head names only so many forgotten snapshots; prune makes room. Nothing was forgotten.',
    'plexichat prune; or forget fewer at a time',
  ),
  STORAGE_REMOTE_ABSENT: e(
    503,
    18,
    'the remote {path} is not there: {reason}',
    'The drive is not connected or mounted, or another one is in its place. Nothing is written beside it.',
    'connect it; plexichat remote ls',
  ),
  STORAGE_REMOTE_FOREIGN: e(
    409,
    2,
    '{path} cannot be a remote: {reason}',
    'A remote is a directory of its own that holds the shards of one vault and nothing else.',
    'name a new directory on that disk: plexichat remote add DIR/plexichat',
  ),
  STORAGE_REMOTE_FULL: e(
    507,
    14,
    'the remote {path} is full',
    'The disk of the remote has no room for what is still to be copied there. What lies there stays usable.',
    'make room there, or add another one: plexichat remote add DIR',
  ),
  STORAGE_REMOTE_LAST_COPY: e(
    409,
    2,
    '{shards} shards lie nowhere but on {path}',
    'They were stored when nobody else kept anything; without this remote their backups are gone.',
    'wait until hosts have them: plexichat status',
  ),
  STORAGE_SEED_REFUSED: e(
    400,
    15,
    'this seed is not taken: {reason}',
    'A seed names the host and the vault it is for, is signed by a device of that vault, and is complete.',
    'on the machine it comes from: plexichat remote seed DIR --for PEER',
  ),
  STORAGE_DATABASE: e(
    500,
    1,
    'the database {name} is damaged or locked: {reason}',
    'SQLite or level could not open it.',
    'plexichat doctor',
  ),

  // --- NETWORK: other machines ---
  NETWORK_UNREACHABLE: e(502, 16, 'cannot reach {peer}', 'The peer did not answer.', 'plexichat peers ping {peer}'),
  NETWORK_TIMEOUT: e(
    504,
    16,
    '{peer} did not answer in time',
    'The peer is slow, hung or gone.',
    'plexichat peers ping {peer}',
  ),
  NETWORK_PROTOCOL: e(
    502,
    16,
    '{peer} broke the protocol: {reason}',
    'The answer was malformed or not what was asked.',
    'plexichat peers show {peer}',
  ),
  NETWORK_NO_BOOTSTRAP: e(
    503,
    16,
    'no member of the circle answers',
    'None of the bootstrap addresses could be reached.',
    'plexichat recover --bootstrap ADDRESS',
  ),
  NETWORK_BUSY: e(
    429,
    16,
    '{peer} is busy',
    'A limit on requests, streams or queue length was reached.',
    'try again later',
  ),
  NETWORK_VERSION: e(
    426,
    16,
    '{peer} needs version {version}',
    'The peer refuses versions this old.',
    'update PlexiChat',
  ),
  NETWORK_LISTEN: e(
    409,
    11,
    'cannot listen on {address}: {reason}',
    'Another program, perhaps another daemon of this machine, uses the port; or the address is not of this machine.',
    'plexichat up --listen /ip4/0.0.0.0/tcp/0 --api-port 0',
  ),
  NETWORK_ADDRESS: e(
    400,
    2,
    'not a usable address: {address}',
    'Addresses are multiaddrs, such as /ip4/192.0.2.1/tcp/7421/p2p/12D3…',
    'plexichat net addrs',
  ),

  // --- CONFIG ---
  CONFIG_UNKNOWN_KEY: e(
    400,
    2,
    'unknown setting {key}; did you mean {suggestion}?',
    'Misspelt settings are refused instead of ignored.',
    'plexichat config show',
  ),
  CONFIG_INVALID: e(
    400,
    2,
    'setting {key} is not valid: {reason}',
    'The value is not of the documented form.',
    'plexichat config show',
  ),
  CONFIG_NEWER_HOME: e(
    409,
    1,
    'this home was written by a newer version ({version})',
    'Going back could lose data.',
    'update PlexiChat',
  ),

  // --- SECURITY: somebody misbehaves ---
  SECURITY_SIGNATURE: e(
    403,
    15,
    'the signature of {what} does not verify',
    'It was not made by the key it claims.',
    'plexichat doctor',
  ),
  SECURITY_SEALED: e(
    403,
    15,
    'cannot open {what}',
    'The key is not the right one or the bytes were changed.',
    'plexichat verify',
  ),
  SECURITY_ROLLBACK: e(
    409,
    15,
    'an older {what} was offered: {offered} < {known}',
    'Somebody serves an old version as the newest.',
    'plexichat recover',
  ),
  SECURITY_STAMP_REQUIRED: e(
    403,
    17,
    'a stranger without a valid stamp',
    'Strangers pay with proof of work; people who were invited or trusted do not.',
    'plexichat join CODE',
  ),
  SECURITY_INVITE: e(
    403,
    17,
    'the invite is not valid: {reason}',
    'It expired, was used up, or belongs to another circle.',
    'ask for a new one: plexichat invite',
  ),
  SECURITY_DEVICE_CODE: e(
    403,
    17,
    'the device code is not valid: {reason}',
    'It expired, was used, or was not copied completely.',
    'make a new one on a device of the vault: plexichat identity add-device',
  ),
  SECURITY_UNSAFE_PATH: e(
    422,
    15,
    'unsafe path in snapshot: {path}',
    'A name would leave the target directory.',
    'plexichat ls SNAP -R',
  ),

  // --- SYSTEM ---
  SYSTEM_UNEXPECTED: e(500, 1, 'unexpected: {reason}', 'This is a bug.', 'plexichat logs; then report it'),
  SYSTEM_INTERRUPTED: e(499, 130, 'interrupted', 'Stopped on request.', 'run the command again to go on'),
  SYSTEM_NOT_INITIALISED: e(409, 10, 'no vault in {home}', 'The home has not been set up.', 'plexichat init'),
  SYSTEM_ALREADY_INITIALISED: e(
    409,
    1,
    '{home} already holds a vault',
    'A home belongs to one vault for good.',
    'choose another --home',
  ),
  SYSTEM_LOCKED: e(409, 11, 'another daemon (pid {pid}) uses this home', 'One daemon per home.', 'plexichat down'),
  SYSTEM_DAEMON_NOT_RUNNING: e(
    503,
    13,
    'the daemon is not running',
    'This command asks the daemon of this home.',
    'plexichat up',
  ),
  SYSTEM_PERMISSION: e(
    403,
    17,
    'permission denied: {reason}',
    'The account may not do this.',
    'run it as the account that owns the path, or mend owner and mode: ls -ld PATH',
  ),
  SYSTEM_TIMEOUT: e(
    504,
    1,
    '{what} took longer than {timeoutMs} ms',
    'A bound on waiting was reached.',
    'plexichat jobs ls',
  ),
  SYSTEM_BUSY: e(
    429,
    11,
    'too many {what} at once',
    'A bound on waiting work was reached, or the daemon is stopping.',
    'plexichat jobs ls',
  ),
  SYSTEM_NOTIFY_FAILED: e(
    502,
    16,
    '{target} could not be told: {reason}',
    'A webhook or command that you added did not take a message; it is tried again with growing pauses.',
    'plexichat notify test {target}',
  ),
  SYSTEM_JOB_NOT_FOUND: e(404, 18, 'no job {job}', 'The id is wrong or the job is long gone.', 'plexichat jobs ls'),
  SYSTEM_NODE_TOO_OLD: e(
    500,
    1,
    'Node.js 24 or newer is needed, this is {version}',
    'The bundled runtime was not installed for this platform.',
    'npm install --include=optional, or install Node.js 24',
  ),
} satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof table
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table

function e(http: number, exit: number, title: string, why: string, remedy: string): ErrorEntry {
  return { http, exit, title, why, remedy }
}
