/** The socket of the clients: who may connect by the kernel's word, and what may wait for one that is slow. */
import { createIpcServer, type IpcServer } from '@aisexec/ipc/server';
import type { ExecutiveConfig } from '../config/config.ts';
import { loadPeerCredentials } from '../drivers/native.ts';
import { CPG_OUTBOUND_BYTES_MAX, CPG_OUTBOUND_FRAMES_MAX } from '../limits.ts';
import { type AccessRule, admission, namesPeople } from './access.ts';
import type { ExecutiveBackend } from './backend.ts';

/** The allow list needs the kernel's word on who connects, and it cannot be had. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}

export interface ListenOptions {
  readonly config: ExecutiveConfig;
  readonly backend: ExecutiveBackend;
  readonly access: AccessRule;
  readonly log: (event: string, detail?: Readonly<Record<string, unknown>>) => void;
}

/** @throws CredentialsError, SocketPathError */
export async function listenForClients(options: ListenOptions): Promise<IpcServer> {
  const { config, backend, access, log } = options;
  const { ipc, citizen } = config;
  const peers = loadPeerCredentials();
  if (peers.read === undefined) {
    if (namesPeople(ipc)) {
      throw new CredentialsError(
        `ipc.allow and ipc.access need to know who connects, but ${peers.missing}: install koffi, or replace ` +
          'them by ipc.mode and the group of the socket',
      );
    }
    log('no-peer-credentials', { reason: peers.missing, guard: 'mode of the socket' });
  }
  return createIpcServer({
    path: ipc.socket,
    mode: ipc.mode,
    backend,
    access: admission(access),
    // The ring does not slow down for one process group's client (nor does Corosync): it may lag further.
    limits: {
      graceMs: ipc.graceMs,
      ...(citizen
        ? { outboundBytesMax: CPG_OUTBOUND_BYTES_MAX, outboundFramesMax: CPG_OUTBOUND_FRAMES_MAX }
        : {}),
    },
    onEvent: ({ event, detail }) => log(event, detail),
    ...(peers.read === undefined ? {} : { credentials: peers.read }),
  });
}
