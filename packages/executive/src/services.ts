/** The services that come with the executive, by the names that the configuration uses. */
import { ckptService } from '@aisexec/ckpt/service';
import { createClmService } from '@aisexec/clm/service';
import { evtService } from '@aisexec/evt/service';
import { createLckService } from '@aisexec/lck/service';
import { tmrService } from '@aisexec/tmr/service';
import type { ExecutiveConfig, ServiceName } from './config/config.ts';
import type { AnyService } from './plugins/import-plugin.ts';

/** A service of the configuration, as it wants it. */
export function serviceOf(
  { locks }: Pick<ExecutiveConfig, 'locks'>,
  name: ServiceName,
): AnyService {
  const known: Readonly<Record<ServiceName, () => AnyService>> = {
    clm: () => createClmService(),
    lck: () => createLckService({ fairness: locks.fairness }),
    evt: () => evtService,
    ckpt: () => ckptService,
    tmr: () => tmrService,
  };
  return known[name]();
}
