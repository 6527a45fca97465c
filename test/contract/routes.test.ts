import { expect, test } from 'vitest'
import { createApi } from '../../src/http/api/index.ts'
import { document } from './document.ts'

/** Whatever the api is handed: nothing of it is used before a request comes. */
const anything: unknown = new Proxy(() => anything, {
  get: (_target, name) => (name === 'then' ? undefined : anything),
})

/** Every route of the api with its methods, but for the ends that refuse; `HEAD` belongs to `GET`. */
function routed(): string[] {
  const app = createApi(anything as Parameters<typeof createApi>[0])
  return app.router.stack.flatMap(({ route }) => {
    if (route === undefined) return []
    const methods = new Set(route.stack.map(({ method }) => method as string | undefined))
    return [...methods]
      .filter(method => method !== undefined && method !== 'head')
      .map(method => `${method} ${route.path.replaceAll(/:([a-z]+)/g, '{$1}')}`)
  })
}

test('what the api offers is what its document describes, no more and no less', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method} ${path}`),
  )
  expect(described.length).toBeGreaterThan(8)
  expect(routed().toSorted()).toEqual(described.toSorted())
})
