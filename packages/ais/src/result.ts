/**
 * AIS result codes (`SaAisErrorT`), with the numbers of the SA Forum headers.
 *
 * The literal layer returns them as `rc`; the idiomatic layer throws {@link SaAisError}. Only
 * `SA_AIS_ERR_TRY_AGAIN` may be retried.
 */
export const SaAisErrorT = {
  SA_AIS_OK: 1,
  SA_AIS_ERR_LIBRARY: 2,
  SA_AIS_ERR_VERSION: 3,
  SA_AIS_ERR_INIT: 4,
  SA_AIS_ERR_TIMEOUT: 5,
  SA_AIS_ERR_TRY_AGAIN: 6,
  SA_AIS_ERR_INVALID_PARAM: 7,
  SA_AIS_ERR_NO_MEMORY: 8,
  SA_AIS_ERR_BAD_HANDLE: 9,
  SA_AIS_ERR_BUSY: 10,
  SA_AIS_ERR_ACCESS: 11,
  SA_AIS_ERR_NOT_EXIST: 12,
  SA_AIS_ERR_NAME_TOO_LONG: 13,
  SA_AIS_ERR_EXIST: 14,
  SA_AIS_ERR_NO_SPACE: 15,
  SA_AIS_ERR_INTERRUPT: 16,
  SA_AIS_ERR_NAME_NOT_FOUND: 17,
  SA_AIS_ERR_NO_RESOURCES: 18,
  SA_AIS_ERR_NOT_SUPPORTED: 19,
  SA_AIS_ERR_BAD_OPERATION: 20,
  SA_AIS_ERR_FAILED_OPERATION: 21,
  SA_AIS_ERR_MESSAGE_ERROR: 22,
  SA_AIS_ERR_QUEUE_FULL: 23,
  SA_AIS_ERR_QUEUE_NOT_AVAILABLE: 24,
  SA_AIS_ERR_BAD_FLAGS: 25,
  SA_AIS_ERR_TOO_BIG: 26,
  SA_AIS_ERR_NO_SECTIONS: 27,
  SA_AIS_ERR_NO_OP: 28,
  SA_AIS_ERR_REPAIR_PENDING: 29,
  SA_AIS_ERR_NO_BINDINGS: 30,
  SA_AIS_ERR_UNAVAILABLE: 31,
  SA_AIS_ERR_CAMPAIGN_ERROR_DETECTED: 32,
  SA_AIS_ERR_CAMPAIGN_PROC_FAILED: 33,
  SA_AIS_ERR_CAMPAIGN_CANCELED: 34,
  SA_AIS_ERR_CAMPAIGN_FAILED: 35,
  SA_AIS_ERR_CAMPAIGN_SUSPENDED: 36,
  SA_AIS_ERR_CAMPAIGN_SUSPENDING: 37,
  SA_AIS_ERR_ACCESS_DENIED: 38,
  SA_AIS_ERR_NOT_READY: 39,
  SA_AIS_ERR_DEPLOYMENT: 40,
} as const;
export type SaAisErrorT = (typeof SaAisErrorT)[keyof typeof SaAisErrorT];

/** The C names as flat constants, so that ported code greps the same. */
export const {
  SA_AIS_OK,
  SA_AIS_ERR_LIBRARY,
  SA_AIS_ERR_VERSION,
  SA_AIS_ERR_INIT,
  SA_AIS_ERR_TIMEOUT,
  SA_AIS_ERR_TRY_AGAIN,
  SA_AIS_ERR_INVALID_PARAM,
  SA_AIS_ERR_NO_MEMORY,
  SA_AIS_ERR_BAD_HANDLE,
  SA_AIS_ERR_BUSY,
  SA_AIS_ERR_ACCESS,
  SA_AIS_ERR_NOT_EXIST,
  SA_AIS_ERR_NAME_TOO_LONG,
  SA_AIS_ERR_EXIST,
  SA_AIS_ERR_NO_SPACE,
  SA_AIS_ERR_INTERRUPT,
  SA_AIS_ERR_NAME_NOT_FOUND,
  SA_AIS_ERR_NO_RESOURCES,
  SA_AIS_ERR_NOT_SUPPORTED,
  SA_AIS_ERR_BAD_OPERATION,
  SA_AIS_ERR_FAILED_OPERATION,
  SA_AIS_ERR_BAD_FLAGS,
  SA_AIS_ERR_TOO_BIG,
  SA_AIS_ERR_NO_SECTIONS,
  SA_AIS_ERR_NO_OP,
  SA_AIS_ERR_UNAVAILABLE,
} = SaAisErrorT;

const nameByCode: ReadonlyMap<number, string> = new Map(
  Object.entries(SaAisErrorT).map(([name, code]) => [code, name]),
);

/** The C name of a result code, or `SaAisErrorT(n)` for a number the standard does not define. */
export function saAisErrorName(code: number): string {
  return nameByCode.get(code) ?? `SaAisErrorT(${code})`;
}

/** What the idiomatic layers throw. Contention (a lock not granted, say) is never an error. */
export class SaAisError extends Error {
  /** Numeric `SaAisErrorT`. */
  readonly code: SaAisErrorT;
  /** The AIS function that failed, e.g. `saLckResourceOpen`. */
  readonly call: string;

  constructor(code: SaAisErrorT, call: string, detail = '', options?: { cause?: unknown }) {
    super(`${call}: ${saAisErrorName(code)}${detail === '' ? '' : `: ${detail}`}`, options);
    this.name = saAisErrorName(code).replace('SA_AIS_', '');
    this.code = code;
    this.call = call;
  }

  /** True only for `SA_AIS_ERR_TRY_AGAIN`: the same call may succeed a little later. */
  get retryable(): boolean {
    return this.code === SA_AIS_ERR_TRY_AGAIN;
  }
}

/** Type guard, optionally for one code: `if (isSaAisError(e, SA_AIS_ERR_NOT_EXIST)) …`. */
export function isSaAisError(value: unknown, code?: SaAisErrorT): value is SaAisError {
  return value instanceof SaAisError && (code === undefined || value.code === code);
}
