/** Connects to the membership service: what both layers' Initialize share. */
import {
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_OK,
  SaAisError,
  type SaAisErrorT,
  type SaVersionT,
} from '@aisexec/ais';
import {
  type AisHandle,
  type ConnectOptions,
  type Deadline,
  openHandle,
  openWithin,
  type RetryOptions,
  withRetry,
} from '@aisexec/ipc';
import { CHANGED, type ChangedEvent, CLM_SERVICE } from '../protocol.ts';
import { withinTimeout } from './arguments.ts';
import type { Generation } from './convert.ts';

export const VERSIONS: Readonly<Record<Generation, Readonly<SaVersionT>>> = {
  1: { releaseCode: 'B', majorVersion: 1, minorVersion: 1 },
  4: { releaseCode: 'B', majorVersion: 4, minorVersion: 1 },
};

export interface OpenClmOptions {
  readonly generation: Generation;
  readonly version: SaVersionT | null | undefined;
  readonly connect: ConnectOptions | undefined;
  readonly onChanged: (event: ChangedEvent) => void;
}

export type OpenedClm =
  | { readonly rc: typeof SA_AIS_OK; readonly ais: AisHandle; readonly admission: bigint }
  | {
      readonly rc: Exclude<SaAisErrorT, typeof SA_AIS_OK>;
      readonly ais?: never;
      readonly cause?: unknown;
    };

/**
 * A connection, and the number of the node's present admission. UNAVAILABLE where the node is no member,
 * TRY_AGAIN while its executive has no view yet.
 */
export async function openClm(options: OpenClmOptions): Promise<OpenedClm> {
  const { generation, version, connect, onChanged } = options;
  const opened = await openHandle({
    service: CLM_SERVICE,
    supported: [VERSIONS[generation]],
    version,
    connect,
    onEvent: (event) => {
      if (event.name === CHANGED) onChanged(event.payload as ChangedEvent);
    },
  });
  const ais = opened.handle;
  if (ais === undefined) return refused(opened.rc, opened.cause);
  const { rc, admission } = await withinTimeout(ais.request('standing', {}), 0n);
  if (rc === SA_AIS_OK) return { rc, ais, admission: (admission as bigint | undefined) ?? 0n };
  await ais.finalize();
  return refused(rc === SA_AIS_ERR_TIMEOUT ? SA_AIS_ERR_TRY_AGAIN : rc, undefined);
}

/**
 * For the idiomatic layer: generation 4, repeated on TRY_AGAIN within the deadline.
 * @throws SaAisError, AbortError.
 */
export async function openWithRetry(
  connect: ConnectOptions,
  onChanged: OpenClmOptions['onChanged'],
  deadline: Deadline,
  retry: RetryOptions | false,
): Promise<{ readonly ais: AisHandle; readonly admission: bigint }> {
  const open = () => {
    const opening = openClm({ generation: 4, version: { ...VERSIONS[4] }, connect, onChanged });
    return openWithin(deadline, opening, ({ ais }) => ais?.finalize());
  };
  const opened = await withRetry(open, deadline, retry);
  if (opened.ais !== undefined) return opened;
  const { rc, cause } = opened;
  throw cause instanceof SaAisError ? cause : new SaAisError(rc, 'saClmInitialize_4');
}

function refused(rc: SaAisErrorT, cause: unknown): OpenedClm {
  return { rc: rc as Exclude<SaAisErrorT, typeof SA_AIS_OK>, cause };
}
