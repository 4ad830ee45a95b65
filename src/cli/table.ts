/** Tables: ruled on a terminal, plain columns elsewhere. Loaded only by commands that print one. */
import Table from 'cli-table3'
import { printable } from './format.ts'
import type { Output } from './output.ts'

export type Cell = string | number

/** `rows` under `head`; columns whose name starts with `>` are set flush right. */
export function table(out: Output, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const right = head.map((name) => name.startsWith('>'))
  const titles = head.map((name) => name.replace(/^>/, ''))
  const cells = rows.map((row) => row.map((cell) => printable(String(cell))))
  if (!out.isTerminal) return plain([titles, ...cells], right)
  const drawn = new Table({
    head: titles.map((title) => out.paint.bold(title)),
    colAligns: right.map((flush) => (flush ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    chars: borders,
  })
  for (const row of cells) drawn.push(row)
  return drawn.toString()
}

/** Two columns: names and values. */
export function pairs(out: Output, rows: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${out.paint.dim(name.padEnd(width))}  ${printable(String(value))}`).join('\n')
}

function plain(rows: readonly (readonly string[])[], right: readonly boolean[]): string {
  const widths = right.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (right[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

const borders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
}
