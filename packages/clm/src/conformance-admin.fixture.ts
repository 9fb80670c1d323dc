/** Rows of the conformance table: administration (AIS B.4). */
import { SA_AIS_OK, SA_TRACK_START_STEP as START } from '@aisexec/ais';
import { asked, REJECTED } from './conformance-steps.fixture.ts';
import { LOCK, type Row, SHUTDOWN, UNLOCK, type World } from './conformance-world.fixture.ts';

const RESET = 4;

const admin = (expect: string, cause: string, run: Row['run']): Row => ({
  fn: 'clmAdminOperation',
  generation: 'admin',
  expect,
  cause,
  run,
});
const locked = async (w: World) => {
  await w.administer(w.other, LOCK);
  return w.other;
};

export const adminRows: readonly Row[] = [
  admin('OK', 'LOCK of a member', (w) => w.administer(w.other, LOCK)),
  admin('OK', 'SHUTDOWN of a member', (w) => w.administer(w.other, SHUTDOWN)),
  admin('OK', 'UNLOCK of a locked node', async (w) => w.administer(await locked(w), UNLOCK)),
  admin('NO_OP', 'LOCK of a locked node', async (w) => w.administer(await locked(w), LOCK)),
  admin('NO_OP', 'SHUTDOWN of a locked node', async (w) => w.administer(await locked(w), SHUTDOWN)),
  admin('NO_OP', 'UNLOCK of an unlocked node', (w) => w.administer(w.other, UNLOCK)),
  admin('NOT_EXIST', 'no such node', (w) => w.administer(4711, LOCK)),
  admin('INVALID_PARAM', 'nodeId 0', (w) => w.administer(0, LOCK)),
  admin('INVALID_PARAM', 'an unknown operation', (w) => w.administer(w.other, 9)),
  admin('INVALID_PARAM', 'a time supervision of more than an hour', (w) =>
    w.administer(w.other, LOCK, { supervisionMs: 3_600_001 }),
  ),
  admin('NOT_SUPPORTED', 'RESET', (w) => w.administer(w.other, RESET)),
  admin('BUSY', 'a second operation while the first is validated', async (w) => {
    await asked(w);
    return w.administer(w.other, LOCK);
  }),
  admin('FAILED_OPERATION', 'LOCK, and a subscriber has REJECTED', async (w) => {
    const a = await asked(w);
    await w.respond(a.subscriber, REJECTED);
    return a.ended;
  }),
  admin('FAILED_OPERATION', 'SHUTDOWN, and an UNLOCK came in between', async (w) => {
    const a = await asked(w, SHUTDOWN, 60_000, START);
    const rc = await w.administer(w.other, UNLOCK);
    return rc === SA_AIS_OK ? a.ended : `UNLOCK answered ${rc}`;
  }),
  admin('OK', 'SHUTDOWN, and a LOCK has ended its waiting', async (w) => {
    const a = await asked(w, SHUTDOWN, 60_000, START);
    const lock = w.administer(w.other, LOCK, { supervisionMs: 50 });
    await w.tick();
    w.elapse(50);
    return (await lock) === SA_AIS_OK ? a.ended : `LOCK answered ${await lock}`;
  }),
  {
    ...admin('ACCESS', 'neither root nor the user of the executive', (w) =>
      w.administer(w.other, LOCK, { uid: 65_534 }),
    ),
    inProcessOnly: true,
  },
  {
    ...admin('ACCESS', 'a user that the platform does not tell', (w) =>
      w.administer(w.other, LOCK, { uid: -1 }),
    ),
    inProcessOnly: true,
  },
];
