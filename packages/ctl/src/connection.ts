/** Whether there is somebody to talk to, said at once: the clients themselves would go on trying. */
import { socketConnector } from '@aisexec/ipc';

/** @throws SaAisError: TRY_AGAIN when no executive answers, ACCESS, NOT_SUPPORTED. */
export async function assertAnswers(socket: string, service: string): Promise<void> {
  await (await socketConnector(socket).connect(service)).close();
}
