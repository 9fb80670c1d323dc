/** The sessions of one server: who may open one, who may go on with one, and why one has ended. */
import { randomBytes } from 'node:crypto';
import { SA_AIS_ERR_BAD_HANDLE, SA_AIS_ERR_TRY_AGAIN } from '@aisexec/ais';
import { BUNDLE_VERSION } from '../bundle.ts';
import { NOT_MET } from '../client/local.ts';
import { ENDED_SESSIONS_MAX } from '../limits.ts';
import type { Connection, Frame, Goodbye } from './connection.ts';
import type { Credentials, Veto } from './contract.ts';
import { askLeave } from './leave.ts';
import type { Resumption } from './outgoing.ts';
import { Session, type SessionHost } from './session.ts';

const TOKEN_BYTES = 16;
const UNKNOWN: Goodbye = {
  rc: SA_AIS_ERR_BAD_HANDLE,
  reason:
    'the session to be resumed is not known: its grace time is over, or the executive restarted',
};

const TOO_EARLY: Goodbye = { rc: SA_AIS_ERR_TRY_AGAIN, reason: NOT_MET, isUsual: true };

export interface SessionTable<Client> {
  readonly size: number;
  /** The session that a checked hello asks for, welcomed; or why there is none. */
  readonly hello: (
    connection: Connection<Client>,
    service: string,
    frame: Frame,
  ) => Session<Client> | Goodbye;
  /** See `IpcServer.askLeave`. */
  askLeave(withinMs: number): Promise<readonly Veto[]>;
  endAll(goodbye: Goodbye): void;
}

export function createSessionTable<Client>(
  server: Omit<SessionHost<Client>, 'ended'>,
): SessionTable<Client> {
  const { limits, counters } = server;
  const open = new Set<Session<Client>>();
  const resumable = new Map<string, Session<Client>>();
  /** Why sessions ended whose clients were cut before they could read it; the oldest are forgotten. */
  const ended = new Map<string, Goodbye & { readonly owner: Credentials }>();

  const host: SessionHost<Client> = {
    ...server,
    ended(session, goodbye) {
      open.delete(session);
      const token = session.resumption?.token;
      if (token === undefined) return;
      resumable.delete(token);
      ended.set(token, { ...goodbye, owner: session.credentials });
      if (ended.size > ENDED_SESSIONS_MAX) ended.delete(ended.keys().next().value as string);
    },
  };

  function admit({ uid }: Credentials): Goodbye | undefined {
    const refused = (reason: string) => ({ rc: SA_AIS_ERR_TRY_AGAIN, reason });
    if (open.size >= limits.clientsMax) return refused(`already ${limits.clientsMax} clients`);
    if (uid < 0) return undefined;
    let same = 0;
    for (const { credentials } of open) if (credentials.uid === uid) same++;
    if (same < limits.clientsPerUidMax) return undefined;
    return refused(`already ${same} clients of uid ${uid}`);
  }

  /** Nothing to offer where the client's death could not be told from a cut (ADR 0165). */
  function resumptionFor(
    { pid }: Credentials,
    { grace, thread: named }: Frame,
  ): Resumption | undefined {
    if (typeof grace !== 'number' || !(grace > 0) || limits.graceMs <= 0) return undefined;
    if (!(pid > 0)) return undefined;
    // One that is not there is of another namespace: then only the process can be seen.
    const isSeen = isThread(named) && server.processStart(pid, named) !== undefined;
    const thread = isSeen ? named : undefined;
    const start = server.processStart(pid, thread);
    if (start === undefined) return undefined;
    const token = randomBytes(TOKEN_BYTES).toString('hex');
    return { token, graceMs: Math.min(grace, limits.graceMs), thread, start };
  }

  function resume(
    connection: Connection<Client>,
    service: string,
    { session: token, seen }: Frame,
  ): Session<Client> | Goodbye {
    const session = resumable.get(token as string);
    if (session === undefined) {
      const past = ended.get(token as string);
      if (past === undefined || !isSame(past.owner, connection.credentials)) return UNKNOWN;
      return { rc: past.rc, reason: past.reason };
    }
    const isOwner = isSame(session.credentials, connection.credentials);
    // A stranger learns nothing, not even that there is such a session.
    if (!isOwner || session.service !== service) return UNKNOWN;
    return session.resume(connection, seen) ? session : UNKNOWN;
  }

  function begin(
    connection: Connection<Client>,
    service: string,
    hello: Frame,
  ): Session<Client> | Goodbye {
    const { leave, returning, bundle } = hello;
    const { credentials } = connection;
    if (returning === true && server.backend.hasMet?.() === false) return TOO_EARLY;
    const refused = admit(credentials);
    if (refused !== undefined) return refused;
    const resumption = resumptionFor(credentials, hello);
    const wanted = { service, leave: leave === true, bundle: bundle === BUNDLE_VERSION };
    const session = new Session(host, wanted, credentials, resumption);
    const failed = session.open(connection);
    if (failed !== undefined) return failed;
    open.add(session);
    if (resumption !== undefined) resumable.set(resumption.token, session);
    counters.accepted++;
    return session;
  }

  return {
    get size() {
      return open.size;
    },
    hello: (connection, service, frame) =>
      (frame['session'] === undefined ? begin : resume)(connection, service, frame),
    askLeave: (withinMs) => askLeave(open, withinMs),
    endAll({ rc, reason }) {
      for (const session of [...open]) session.end(rc, reason);
    },
  };
}

function isSame(a: Credentials, b: Credentials): boolean {
  return a.pid === b.pid && a.uid === b.uid && a.gid === b.gid;
}

const isThread = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0;
