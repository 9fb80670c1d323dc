import { SA_AIS_ERR_VERSION, SA_AIS_OK, type SaAisErrorT } from './result.ts';
import type { SaVersionT } from './types.ts';

/** The generations of one service's interface that an executive serves, ascending. */
export type SupportedVersions = readonly Readonly<SaVersionT>[];

export interface NegotiatedVersion {
  readonly rc: SaAisErrorT;
  /** The supported generation that the handle speaks; absent when `rc` is not OK. */
  readonly version?: Readonly<SaVersionT>;
}

/**
 * Version negotiation of `saXxxInitialize` (AIS B.0 "Life cycle"): same release letter and a major
 * version between 1 and a supported one is OK, the minor is ignored. `version` is overwritten in every
 * case, so that a caller can probe: with the generation chosen, or with the highest supported.
 */
export function negotiateVersion(
  version: SaVersionT,
  supported: SupportedVersions,
): NegotiatedVersion {
  const chosen =
    version.majorVersion < 1
      ? undefined
      : supported.find(
          (candidate) =>
            candidate.releaseCode === version.releaseCode &&
            candidate.majorVersion >= version.majorVersion,
        );
  const answer = chosen ?? supported[supported.length - 1];
  if (answer !== undefined) Object.assign(version, answer);
  return chosen === undefined ? { rc: SA_AIS_ERR_VERSION } : { rc: SA_AIS_OK, version: chosen };
}
