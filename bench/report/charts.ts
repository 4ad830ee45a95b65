/** Charts as SVG text: bars of seconds per set with the goal as a line across them, and all goals on one scale. */
import { operations } from '../data/sets.ts'
import { best, judge, timeGoals } from '../goals.ts'
import { seconds, type Result, type SetResult } from '../result.ts'
import { operationTitles } from './tables.ts'

const palette = ['#2f6fde', '#8a8f98', '#d9822b', '#7a9e3f', '#b5bd4c', '#a05195']
const INK = '#3c4148'
const GOAL = '#c0392b'
const WIDTH = 760
const FONT = 'font-family="system-ui, sans-serif" font-size="12"'

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** One group of bars per operation; a dashed line is where PlexiChat's bar must not pass. */
export function setChart(set: SetResult): string {
  const shown = operations.filter((operation) => set.series.some((series) => seconds(series, operation) !== undefined))
  const longest = Math.max(...shown.flatMap((o) => set.series.map((series) => seconds(series, o) ?? 0)))
  const plot: Box = { x: 48, y: 56 + 18 * Math.ceil(set.series.length / 3), width: WIDTH - 60, height: 220 }
  const group = plot.width / shown.length
  const bar = (group * 0.8) / set.series.length
  const top = (value: number) => plot.y + plot.height * (1 - value / longest)
  const parts = shown.flatMap((operation, g) => {
    const left = plot.x + g * group + group * 0.1
    const bars = set.series.flatMap((series, i) => {
      const value = seconds(series, operation)
      if (value === undefined) return []
      const box = { x: left + i * bar, y: top(value), width: bar * 0.9, height: plot.y + plot.height - top(value) }
      return [
        rect(box, palette[i] ?? INK),
        text({ x: box.x + box.width / 2, y: box.y - 3 }, value.toFixed(1), 'middle'),
      ]
    })
    const goal = goalSeconds(set, operation)
    const line = goal === undefined ? [] : [goalLine({ x: left, y: top(goal) }, group * 0.8)]
    const name = text({ x: left + group * 0.4, y: plot.y + plot.height + 18 }, operationTitles[operation], 'middle')
    return [...bars, ...line, name]
  })
  const title = text({ x: 12, y: 22 }, `${set.set}: ${set.title} – seconds, dashed: the goal`, 'start', 14)
  return svg(plot.y + plot.height + 32, [title, ...legend(set), ...axis(plot), ...parts])
}

/** The strictest goal of an operation in seconds. */
function goalSeconds(set: SetResult, operation: (typeof operations)[number]): number | undefined {
  const limits = timeGoals
    .filter((goal) => goal.operation === operation && goal.sets.includes(set.set))
    .map(({ against, limit }) => (best(set, operation, against) ?? NaN) * limit)
    .filter((limit) => !Number.isNaN(limit))
  return limits.length === 0 ? undefined : Math.min(...limits)
}

/** Every goal as a bar: value divided by limit, so that 1 is the line. */
export function goalChart(result: Result): string {
  const verdicts = judge(result)
  const plot: Box = { x: 300, y: 48, width: WIDTH - 360, height: verdicts.length * 20 }
  const most = Math.max(1.2, ...verdicts.map(({ value, limit }) => Math.min(value / limit, 3)))
  const scale = (ratio: number) => (plot.width * Math.min(ratio, most)) / most
  const rows = verdicts.flatMap(({ set, what, against, value, limit, met }, i) => {
    const y = plot.y + i * 20
    const width = Math.max(1, scale(Math.max(0, value / limit)))
    return [
      text({ x: plot.x - 8, y: y + 13 }, `${set} ${what}, against ${against}, ≤ ${String(limit)}`, 'end'),
      rect({ x: plot.x, y: y + 2, width, height: 15 }, met ? (palette[3] ?? INK) : GOAL),
      text({ x: plot.x + width + 6, y: y + 13 }, value.toFixed(value < 10 ? 2 : 0), 'start'),
    ]
  })
  const x = plot.x + scale(1)
  const line = `<line x1="${fixed(x)}" y1="${fixed(plot.y - 6)}" x2="${fixed(x)}" y2="${fixed(plot.y + plot.height)}" stroke="${GOAL}" stroke-dasharray="5 3"/>`
  const title = text({ x: 12, y: 22 }, 'Goals: figure divided by its limit; left of the line is met', 'start', 14)
  return svg(plot.y + plot.height + 20, [title, ...rows, line])
}

function legend(set: SetResult): string[] {
  return set.series.flatMap(({ name }, i) => {
    const at = { x: 48 + (i % 3) * 230, y: 44 + 18 * Math.floor(i / 3) }
    return [
      rect({ ...at, y: at.y - 10, width: 11, height: 11 }, palette[i] ?? INK),
      text({ ...at, x: at.x + 17 }, name, 'start'),
    ]
  })
}

function axis({ x, y, width, height }: Box): string[] {
  const base = fixed(y + height)
  return [`<line x1="${fixed(x)}" y1="${base}" x2="${fixed(x + width)}" y2="${base}" stroke="${INK}"/>`]
}

function goalLine({ x, y }: { x: number; y: number }, width: number): string {
  return `<line x1="${fixed(x)}" y1="${fixed(y)}" x2="${fixed(x + width)}" y2="${fixed(y)}" stroke="${GOAL}" stroke-width="2" stroke-dasharray="5 3"/>`
}

function rect({ x, y, width, height }: Box, fill: string): string {
  return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}" fill="${fill}"/>`
}

function text(at: { x: number; y: number }, words: string, anchor: 'start' | 'middle' | 'end', size = 12): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${fixed(at.x)}" y="${fixed(at.y)}" text-anchor="${anchor}" font-size="${String(size)}" fill="${INK}">${escaped}</text>`
}

function svg(height: number, parts: readonly string[]): string {
  const size = `width="${String(WIDTH)}" height="${fixed(height)}" viewBox="0 0 ${String(WIDTH)} ${fixed(height)}"`
  const paper = `<rect width="100%" height="100%" fill="#ffffff"/>`
  return [`<svg xmlns="http://www.w3.org/2000/svg" ${size} ${FONT}>`, paper, ...parts, '</svg>', ''].join('\n')
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10)
}
