/**
 * Every event of the log: its stable id, its level, when it is told. Programs and operators search for these ids:
 * one is never renamed, only retired. `docs/reference/events.md` is printed from here (`UPDATE_REFERENCE=1 npm run unit -- packages/executive/src/log`),
 * and a test compares both with the code.
 */
import type { LogLevel } from './levels.ts';

export interface EventEntry {
  readonly level: LogLevel;
  readonly when: string;
  /** What to look at or to do; '' where nothing is asked of anybody. */
  readonly action: string;
}

const entry = (level: LogLevel, when: string, action = ''): EventEntry => ({ level, when, action });

type Table = Readonly<Record<string, EventEntry>>;

const PROCESS: Table = {
  start: entry('info', 'the process starts: `version`, `pid`, `config`'),
  ready: entry('info', 'the first synchronised membership: `ring`, `members`, `quorate`'),
  'start-refused': entry(
    'error',
    'it cannot start: `message`, `exit`',
    'what `message` says; nothing else was touched',
  ),
  signal: entry('info', 'it leaves because of `signal`'),
  'shutdown-requested': entry('info', '`aisctl shutdown`'),
  'leave-vetoed': entry(
    'warn',
    'who wants it to stay, and why: `vetoes`',
    '`aisctl shutdown --force`',
  ),
  'veto-overruled': entry(
    'info',
    'it was asked to leave by signal and waited `afterMs` for vetoes',
  ),
  stopped: entry('info', 'the end: `exit`'),
  failed: entry(
    'error',
    'it cannot go on and leaves: `message`',
    'read the flight record named by `flight-record`; the supervisor starts it again',
  ),
  crash: entry(
    'error',
    'a defect: `message`, `stack`; exit code 70',
    'report it with the flight record; the supervisor starts it again',
  ),
  'dump-status': entry('info', 'SIGUSR2: the status'),
  'dump-service': entry('info', "SIGUSR2: a service's state"),
  'flight-record': entry('info', 'the last events are in `path`; `reason`'),
  'flight-record-failed': entry(
    'error',
    'the last events could not be written: `message`',
    'room and rights of the state directory',
  ),
  'log-level': entry('info', 'the level changed: `from`, `to`'),
  'metrics-listening': entry('info', 'metrics are served at `address`'),
  reloaded: entry('info', 'the configuration was read again: `changed`'),
  'reload-refused': entry(
    'warn',
    'nothing was changed, on no node: `node`, `reasons`',
    'what `reasons` say, then `aisctl reload`; a key that needs a restart: one node after another',
  ),
  'supervisor-failed': entry(
    'warn',
    'the service manager did not take a message: `message`',
    'NotifyAccess= and the sandbox of the unit',
  ),
};

const RING: Table = {
  'enter-gather': entry('info', 'the membership is being agreed again: `reason`'),
  'enter-commit': entry('debug', 'the new membership is being confirmed'),
  'enter-recovery': entry('debug', 'messages of the old ring are exchanged'),
  'enter-operational': entry('info', 'a ring: `members`'),
  'token-loss': entry(
    'warn',
    'no token came in time',
    'once: a node died. Again and again: `ais_event_loop_delay_seconds` tells a local pause from a network',
  ),
  'pause-noticed': entry(
    'warn',
    'this process did not run for `gapMs`',
    'processor time, swap, a frozen virtual machine; the unit asks for real-time scheduling',
  ),
  'failed-to-receive': entry('warn', '`node` does not get what all others get', 'its network'),
  suspicion: entry('info', 'the host of `suspect` refused a packet: nobody listens there'),
  leave: entry('info', 'this node leaves in good order'),
  'link-down': entry(
    'warn',
    'a link of `peer`: `link`, `reason` (`silent`, `lossy`, or `peer-silent`, which is none of the links’ fault)',
    'that network; the ring goes on over the others, `up` says how many',
  ),
  'link-up': entry('info', 'it `answered` first or again, or is `stable` after its hold'),
  'drop-packet': entry('debug', 'a packet that cannot be used: `reason`; at every power of two'),
};

const COROSYNC: Table = {
  'corosync-connected': entry('info', 'this node is on the ring of the Corosync of its host'),
  'corosync-lost': entry('warn', 'Corosync is gone: `reason`', 'its own log; it is waited for'),
  'corosync-unreachable': entry('warn', 'there is no Corosync yet; it is waited for', 'start it'),
  'member-silent': entry('warn', 'an executive does not announce itself and is asked to'),
  'silent-members': entry(
    'warn',
    'executives that did not announce themselves are left out of the view',
    'their logs; a release without this engine on those nodes',
  ),
  'foreign-message': entry('warn', 'a process that is no executive talks in the group; once each'),
};

const SEALING: Table = {
  'plain-datagrams': entry('info', 'packets go one at a time, and why', 'install koffi'),
  'unsealed-ring': entry('warn', 'packets are in the clear', 'docs/security.md'),
  'sealed-ring': entry('info', 'the key in use at the start'),
  'packet-refused': entry('warn', 'a packet that cannot be opened: `from`, `reason`', '`advice`'),
  'key-file-differs': entry(
    'warn',
    'the key file holds another key than the one in use',
    '`aisctl key rotate`, or the old key back into the file',
  ),
  'key-loaded': entry('info', 'a new key is accepted besides the one in use'),
  'key-changed': entry('info', 'this node sends with the new key'),
  'key-rotated': entry('info', 'all send with the new key; the old one is dropped'),
  'key-rotation-failed': entry(
    'warn',
    'the old key stays in use: `from`, `reason`',
    'the new key file onto node `from`, then `aisctl key rotate`',
  ),
  'key-store-failed': entry(
    'error',
    'the key in use could not be stored: `message`',
    'room and rights of the state directory, before this node restarts',
  ),
  'heard-store-failed': entry(
    'warn',
    'the epochs heard of the others could not be read or stored: `message`',
    'room and rights of the state directory; until then a restart forgets them',
  ),
};

const SERVICES: Table = {
  view: entry('info', 'a synchronised membership: `members`, `joined`, `left`, `quorate`'),
  'sync-start': entry('debug', 'synchronisation begins'),
  'sync-done': entry('debug', 'synchronisation is over'),
  quorum: entry('info', 'the word of the quorum filter changed while the membership stayed'),
  'sync-abort': entry('info', 'the membership changed during synchronisation; it starts again'),
  'drop-message': entry('debug', 'a message of the order that cannot be used: `reason`, `source`'),
  'state-diverged': entry(
    'error',
    'replicas of `service` differ where they must not',
    'flight records of all nodes (`aisctl dump`), then restart this node: it takes the state of the others',
  ),
  'state-mismatch': entry(
    'error',
    'comparing the states (`state_check`) found another hash on `otherNode`',
    'restart the node that stands alone: it takes the state of the others',
  ),
  'state-lost': entry(
    'error',
    'contents that no member had any more were given up',
    'the application writes them again; keep more nodes than may fail together',
  ),
  'transfer-start': entry('info', 'state begins to follow a view change in the background'),
  'transfer-progress': entry('info', 'how far it is: bytes, pieces, rate, time remaining'),
  'transfer-done': entry('info', 'the state is complete'),
  'service-failed': entry(
    'error',
    '`service` threw in `where` and was stopped; all else goes on',
    'report it with the flight record; `aisctl services`',
  ),
  'service-refused': entry('error', '`module` cannot run here: `reason`', 'what `reason` says'),
  'service-loading': entry('info', '`service` is being loaded'),
  'service-running': entry('info', '`service` has its state and serves clients'),
  'service-unloaded': entry('info', '`service` is gone'),
  'service-reloaded': entry('info', '`service` runs with new code'),
  'service-stuck': entry(
    'error',
    '`service` has kept the thread for `ms`',
    'its author; `watchdog.kill` is when the process ends',
  ),
  'service-yielded': entry('warn', '`service` gave the thread back after `ms`'),
  'service-stuck-end': entry(
    'error',
    '`service` did not give the thread back: the process is ended',
    'it is not loaded at the next start; `aisctl services load` when it is repaired',
  ),
  'loop-stalled': entry(
    'warn',
    'the event loop has stood still for `ms`, in no single turn of a service; a flight record follows if that lasts',
    'processor and memory of the host; the flight record',
  ),
  'loop-resumed': entry('warn', 'it turns again after about `ms`'),
};

const CLIENTS: Table = {
  'client-refused': entry('info', 'a client may not use a service: `reason`, `uid`', '`ipc.allow`'),
  'client-malformed': entry('warn', 'a client sent rubbish and was cut off: `pid`', 'that program'),
  'client-slow': entry('warn', 'a client does not read and was cut off: `pid`', 'that program'),
  'ipc-error': entry('warn', 'the socket of the clients: `error`', 'descriptors: LimitNOFILE='),
  'events-suppressed': entry('debug', '`count` events about clients were left out'),
  'no-peer-credentials': entry(
    'debug',
    'who connects is not known: the mode of the socket decides',
  ),
};

export const EVENT_GROUPS: Readonly<Record<string, Table>> = {
  'The process': PROCESS,
  'The ring': RING,
  'On a Corosync': COROSYNC,
  'Packets and keys': SEALING,
  'Membership and services': SERVICES,
  Clients: CLIENTS,
};

/** All of them by id. */
export const EVENTS: ReadonlyMap<string, EventEntry> = new Map(
  Object.values(EVENT_GROUPS).flatMap((table) => Object.entries(table)),
);
