/** Asks the clients of a server whether its executive may leave (ADR 0166). */
import { VETO_TEXT_MAX } from '../limits.ts';
import type { Veto } from './contract.ts';
import type { Session } from './session.ts';

/** See `IpcServer.askLeave`. */
export async function askLeave<Client>(
  sessions: Iterable<Session<Client>>,
  withinMs: number,
): Promise<readonly Veto[]> {
  const asked = [...sessions].filter(({ wantsLeave }) => wantsLeave);
  if (asked.length === 0) return [];
  const vetoes: Veto[] = [];
  await new Promise<void>((resolve) => {
    let missing = asked.length;
    const timer = setTimeout(resolve, withinMs);
    for (const session of asked) {
      session.askLeave(withinMs, (veto) => {
        const { service, credentials } = session;
        if (typeof veto === 'string') {
          vetoes.push({ service, ...pidAndUid(credentials), reason: printable(veto) });
        }
        if (--missing > 0) return;
        clearTimeout(timer);
        resolve();
      });
    }
  });
  if (vetoes.length > 0) for (const session of asked) session.callOff();
  // A late one changes nothing any more.
  return [...vetoes];
}

const pidAndUid = ({ pid, uid }: { readonly pid: number; readonly uid: number }) => ({ pid, uid });

/** A client's words go into logs and terminals. */
function printable(text: string): string {
  const line = text
    .slice(0, VETO_TEXT_MAX)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return line === '' ? 'no reason given' : line;
}
