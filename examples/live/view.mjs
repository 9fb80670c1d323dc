// The live view: a pure function from a snapshot of the cluster to lines of text, and a small terminal
// painter that redraws only the rows that changed.
import { emitKeypressEvents } from 'node:readline';

const ESC = '\u001b[';
const ALTERNATE_ON = `${ESC}?1049h${ESC}?25l`;
const ALTERNATE_OFF = `${ESC}?25h${ESC}?1049l`;
const LOG_ROWS = 10;

const useColour = process.env.NO_COLOR === undefined;
const paint = (code) => (text) => (useColour ? `${ESC}${code}m${text}${ESC}0m` : text);
const style = {
  bold: paint('1'),
  dim: paint('2'),
  inverse: paint('7'),
  green: paint('32'),
  yellow: paint('33'),
  red: paint('31'),
  cyan: paint('36'),
};

const CONDITION_STYLE = {
  up: style.green,
  starting: style.yellow,
  paused: style.yellow,
  down: style.red,
};

/** Columns of the node table: title, width, cell. */
const COLUMNS = [
  ['NODE', 8, (node) => node.name],
  ['PROCESS', 15, (node) => `${node.condition}${node.pid ? ` ${node.pid}` : ''}`],
  ['RING', 9, (node) => node.ring],
  ['STATE', 12, (node) => node.state],
  ['MEMBERS', 9, (node) => node.members.join(' ')],
  ['QUORATE', 8, (node) => node.quorate],
  ['VIEW', 5, (node) => node.view],
  ['EVENTS/S', 9, (node) => node.eventsPerSecond],
  ['WRITES/S', 9, (node) => node.writesPerSecond],
  ['LOCKS/S', 8, (node) => node.locksPerSecond],
];

/** @returns the screen, one string a row, without regard to the terminal's height. */
export function renderRows(snapshot) {
  const { nodes, lock, log, selected, seconds } = snapshot;
  return [
    `${style.bold('aisexec')}  ${nodes.length} executives on this machine, ${seconds} s`,
    '',
    style.dim(`  ${COLUMNS.map(([title, width]) => title.padEnd(width)).join(' ')}`),
    ...nodes.map((node) => renderNode(node, node.id === selected)),
    '',
    `${style.bold('lock')} ${style.cyan(lock.name)}   ${renderHolder(lock)}`,
    `  last grants  ${lock.grants.map((grant) => `${grant.node} ${grant.token}`).join(style.dim('  <  '))}`,
    '',
    style.bold('what happened'),
    ...log.slice(-LOG_ROWS).map((entry) => `  ${style.dim(entry.at.padStart(7))}  ${entry.text}`),
    ...Array(Math.max(0, LOG_ROWS - log.length)).fill(''),
    '',
    `${key('1')}-${key(String(nodes.length))} choose a node   ${key('k')} kill -9   ${key('p')} pause / resume   ${key('r')} revive   ${key('q')} quit`,
  ];
}

function renderNode(node, isSelected) {
  const cells = COLUMNS.map(([title, width, cell]) => {
    const text = String(cell(node) ?? '')
      .slice(0, width)
      .padEnd(width);
    return title === 'PROCESS' ? CONDITION_STYLE[node.condition](text) : text;
  });
  return `${isSelected ? style.bold('>') : ' '} ${cells.join(' ')}`;
}

function renderHolder(lock) {
  const waiting = lock.waiting.length > 0 ? `   waiting: ${lock.waiting.join(' ')}` : '';
  if (lock.holder === undefined) return `${style.dim('free')}${waiting}`;
  return `held by ${style.green(lock.holder)} with token ${lock.token}${waiting}`;
}

const key = (name) => style.inverse(` ${name} `);

/** Paints rows on a terminal and reads single keys. `onKey('quit')` stands for q and Ctrl-C. */
export function openTerminal(onKey) {
  let shown = [];
  process.stdout.write(ALTERNATE_ON);
  emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  process.stdin.on('keypress', (_text, pressed) => {
    const name = pressed.name ?? pressed.sequence;
    onKey(name === 'q' || (pressed.ctrl && name === 'c') ? 'quit' : name);
  });
  process.stdout.on('resize', () => {
    shown = [];
  });
  return {
    draw(rows) {
      const visible = rows.slice(0, process.stdout.rows - 1);
      const clear = shown.length === 0 ? `${ESC}2J` : '';
      const changes = visible.map((row, index) =>
        row === shown[index] ? '' : `${ESC}${index + 1};1H${row}${ESC}K`,
      );
      process.stdout.write(clear + changes.join(''));
      shown = visible;
    },
    close() {
      process.stdin.setRawMode(false);
      process.stdin.pause();
      process.stdout.write(ALTERNATE_OFF);
    },
  };
}
