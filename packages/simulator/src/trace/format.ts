/** Trace records for people: one line each, in fixed columns: time, node, state and ring, event, detail. */
import { ringIdText } from '@aisexec/totem';
import { messageText, type TraceDetail, type TraceRecord } from './record.ts';

const TIME_WIDTH = 10;
const NODE_WIDTH = 6;
const PLACE_WIDTH = 20;
const EVENT_WIDTH = 20;

/** `place` is the node's state and ring at the moment of the record, e.g. `operational 1.8`. */
export function formatRecord(record: TraceRecord, place: string): string {
  const time = record.time.toFixed(3).padStart(TIME_WIDTH);
  const node = record.node === 0 ? 'world' : `n${record.node}.${record.incarnation}`;
  const columns = `${time}  ${node.padEnd(NODE_WIDTH)} ${place.padEnd(PLACE_WIDTH)}`;
  return `${columns} ${eventName(record).padEnd(EVENT_WIDTH)} ${eventDetail(record)}`.trimEnd();
}

export const TRACE_HEADER = `${'time ms'.padStart(TIME_WIDTH)}  ${'node'.padEnd(NODE_WIDTH)} ${'state, ring'.padEnd(
  PLACE_WIDTH,
)} ${'event'.padEnd(EVENT_WIDTH)} detail`;

function eventName(record: TraceRecord): string {
  switch (record.kind) {
    case 'note':
    case 'fault':
      return record.event;
    case 'configuration':
      return record.configuration.type;
    default:
      return record.kind;
  }
}

function eventDetail(record: TraceRecord): string {
  switch (record.kind) {
    case 'send':
      return `m${messageText(record.message)} ${record.safe ? 'safe' : 'agreed'}`;
    case 'order':
    case 'receive':
      return `${ringIdText(record.ringId)}#${record.seq} ${
        record.message === 0 ? 'recovery copy' : `m${messageText(record.message)}`
      }`;
    case 'deliver':
      return `m${messageText(record.message)} ${record.safe ? 'safe' : 'agreed'} of ring ${ringIdText(record.ringId)}`;
    case 'configuration': {
      const { ringId, members, left, joined } = record.configuration;
      const change = `${left.length > 0 ? ` left ${left.join(',')}` : ''}${joined.length > 0 ? ` joined ${joined.join(',')}` : ''}`;
      return `ring ${ringIdText(ringId)} members ${members.join(',')}${change}`;
    }
    case 'note':
    case 'fault':
      return detailText(record.detail);
    case 'fail':
      return record.reason;
    case 'wrong':
      return `${record.property} ${record.text}`;
    case 'quorum':
      return `${record.quorate ? 'yes' : 'no'} in ring ${ringIdText(record.ringId)} of ${record.members.join(',')}`;
    case 'token':
      return `${record.visits} visits${record.excused ? ', not in a ring' : ''}`;
    case 'state':
      return `${record.service} ${record.hash} at ${record.place} of ring ${ringIdText(record.ringId)}`;
    default:
      return '';
  }
}

function detailText(detail: TraceDetail | undefined): string {
  if (detail === undefined) return '';
  return Object.entries(detail)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? value.join(',') : value}`)
    .join(' ');
}
