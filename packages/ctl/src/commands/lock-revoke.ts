/** `aisctl lock revoke`: an administrator takes a lock from its holders (docs/reference/aisctl.md). */
import { isSaAisError, SA_AIS_ERR_NOT_EXIST } from '@aisexec/ais';
import { LockService } from '@aisexec/lck';
import { assertAnswers } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CALL_MS_MAX } from '../limits.ts';
import { type Format, oneLine, print } from '../output.ts';
import { Failure } from '../problems.ts';

export interface LockRevokeArguments {
  readonly socket: string;
  readonly format: Format;
  readonly name: string;
  /** Only what was granted under it. */
  readonly token: bigint | undefined;
}

export async function lockRevoke(args: LockRevokeArguments): Promise<number> {
  const { socket, format, name, token } = args;
  await assertAnswers(socket, 'lck');
  await using locks = await LockService.connect({ socket, timeoutMs: CALL_MS_MAX });
  const bound = { timeoutMs: CALL_MS_MAX, ...(token === undefined ? {} : { fencingToken: token }) };
  let revoked = 0;
  try {
    revoked = await locks.revoke(name, bound);
  } catch (error) {
    if (!isSaAisError(error, SA_AIS_ERR_NOT_EXIST)) throw error;
  }
  if (revoked === 0) {
    const which = token === undefined ? '' : ` under token ${token}`;
    throw new Failure(`nobody holds lock '${name}'${which}`, EXIT.failed, `aisctl locks ${name}`);
  }
  await print(format, { name, revoked }, () => {
    return `lock '${oneLine(name)}': ${revoked} revoked\n`;
  });
  return EXIT.ok;
}
