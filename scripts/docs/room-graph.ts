/** The rooms and what they import, as a Mermaid graph, read from the sources by dependency-cruiser. */
import { cruise, type ICruiseResult } from 'dependency-cruiser'

type Graph = Map<string, Set<string>>

/** Lines in Markdown: a fenced graph whose arrows mean "imports". Arrows that follow from others are left out. */
export async function roomGraph(): Promise<string> {
  const rooms = await roomImports()
  const reaches = new Map([...rooms.keys()].map((room) => [room, reachable(rooms, room)]))
  const arrows = [...rooms].flatMap(([room, imports]) =>
    [...imports].filter((target) => !implied(imports, target, reaches)).map((target) => `  ${room} --> ${target}`),
  )
  return ['```mermaid', 'flowchart BT', ...arrows.sort(), '```', ''].join('\n')
}

async function roomImports(): Promise<Graph> {
  const { output } = await cruise(['src'], { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } })
  const graph: Graph = new Map()
  for (const module of (output as ICruiseResult).modules) {
    const room = roomOf(module.source)
    if (room === undefined) continue
    const imports = graph.get(room) ?? new Set()
    graph.set(room, imports)
    for (const dependency of module.dependencies) {
      const target = roomOf(dependency.resolved)
      if (target !== undefined && target !== room) imports.add(target)
    }
  }
  return graph
}

function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1]
}

/** Whether another import of the same room reaches `target` too. */
function implied(imports: ReadonlySet<string>, target: string, reaches: ReadonlyMap<string, ReadonlySet<string>>) {
  return [...imports].some((other) => other !== target && reaches.get(other)?.has(target) === true)
}

function reachable(graph: Graph, from: string, seen = new Set<string>()): Set<string> {
  for (const next of graph.get(from) ?? []) {
    if (seen.has(next)) continue
    seen.add(next)
    reachable(graph, next, seen)
  }
  return seen
}
