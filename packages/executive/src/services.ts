/** The services that come with the executive, by the names that the configuration uses. */
import { ckptService } from '@aisexec/ckpt/service';
import { createClmService } from '@aisexec/clm/service';
import { evtService } from '@aisexec/evt/service';
import { createLckService } from '@aisexec/lck/service';
import type { ServiceDefinition } from '@aisexec/service';
import type { ExecutiveConfig, ServiceName } from './config/config.ts';

/** Root and the executive's own user may remove nodes and revoke locks. */
const administrators = [0, process.getuid?.() ?? -1];

// biome-ignore lint/suspicious/noExplicitAny: services of one table differ in their states
type AnyService = ServiceDefinition<any>;

/** The services of a configuration, as it wants them. */
export function servicesOf({
  services,
  locks,
}: Pick<ExecutiveConfig, 'services' | 'locks'>): readonly AnyService[] {
  const known: Readonly<Record<ServiceName, () => AnyService>> = {
    clm: () => createClmService({ administrators }),
    lck: () => createLckService({ administrators, fairness: locks.fairness }),
    evt: () => evtService,
    ckpt: () => ckptService,
  };
  return services.map((name) => known[name]());
}
