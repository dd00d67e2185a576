import { describe, expect, it } from 'vitest'
import { describeFaults, faultCatalogue } from './catalogue.ts'
import { parseFault } from './fault-text.ts'
import { optionsFromFlags, simulatorFlags } from './flags.ts'
import { quirkNames } from './quirks.ts'
import { itemFaultKinds } from './item-faults.ts'
import { httpFaultEffects } from './http-faults.ts'
import { changeOptions, itemFaultRules, resolveOptions, runtimeOptionsSchema } from './options.ts'

describe('options', () => {
  it('have defaults, and read durations as people write them', () => {
    const { options } = resolveOptions({ duration_ms: '1m30s', window_ms: '500ms', validating_ms: '250' })
    expect(options).toMatchObject({
      port: 0,
      seed: 1,
      curve: 'linear',
      duration_ms: 90_000,
      window_ms: 500,
      validating_ms: 250,
      quirks: { random_order: true },
    })
    expect(() => resolveOptions({ duration_ms: 'soon' })).toThrow('not a duration')
    expect(() => resolveOptions({ nonsense: 1 } as object)).toThrow('nonsense')
  })

  it('sort faults into calls, items and quirks', () => {
    const { options, httpFaults } = resolveOptions({
      fail_rate: 0.1,
      faults: ['batches.create:refuse:times=2', 'items:refusal:rate=0.2', 'quirk:list_delay_ms=2s'],
    })
    expect(httpFaults).toMatchObject([{ route: 'batches.create', effect: 'refuse', times: 2 }])
    expect(options.quirks.list_delay_ms).toBe(2000)
    expect(itemFaultRules(options)).toEqual([
      { kind: 'refusal', rate: 0.2 },
      { kind: 'transient', rate: 0.1, first_attempts: 1 },
    ])
  })

  it('come from flags', () => {
    const given = {
      port: '8788',
      data: '/tmp/x',
      duration: '10s',
      failRate: '0.1',
      refuseUnknownModels: true,
      fault: ['quirk:lying_counts'],
      help: 1,
    }
    expect(resolveOptions(optionsFromFlags(given)).options).toMatchObject({
      port: 8788,
      data_dir: '/tmp/x',
      duration_ms: 10_000,
      fail_rate: 0.1,
      refuse_unknown_models: true,
      quirks: { lying_counts: true },
    })
  })

  it('may be endless', () => {
    const { options } = resolveOptions({ item_faults: [{ kind: 'missing', first_attempts: Number.POSITIVE_INFINITY }] })
    expect(options.item_faults).toEqual([{ kind: 'missing', rate: 1, first_attempts: 'always' }])
  })

  it('change in part, the rest stays', () => {
    const live = { seed: 1, current: runtimeOptionsSchema.parse({ curve: 'late', quirks: { lying_counts: true } }) }
    changeOptions(live, { duration_ms: '5s', quirks: { random_order: false } })
    expect(live.current).toMatchObject({ curve: 'late', duration_ms: 5000, quirks: { lying_counts: true, random_order: false } })
  })

  it('say what is wrong with a fault in one line', () => {
    expect(() => parseFault('nonsense')).toThrow('write it as ROUTE:EFFECT')
    expect(() => parseFault('quirk:nonsense')).toThrow('no quirk "nonsense"')
    expect(() => parseFault('items:nonsense')).toThrow('no item fault "nonsense"')
    expect(() => parseFault('batches.create:status:status=200')).toThrow('fault "batches.create:status:status=200": status')
  })
})

describe('the catalogue', () => {
  it('describes every effect, item fault and quirk', () => {
    const names = (kind: string): string[] => faultCatalogue.filter((fault) => fault.kind === kind).map(({ name }) => name)
    expect(names('http').sort()).toEqual([...httpFaultEffects].sort())
    expect(names('item').sort()).toEqual([...itemFaultKinds].sort())
    expect(names('quirk').sort()).toEqual([...quirkNames].sort())
  })

  it('has examples that can be used as they are', () => {
    const faults = faultCatalogue.flatMap(({ example }) => /^--fault (\S+)$/.exec(example)?.[1] ?? [])
    expect(faults.length).toBeGreaterThan(25)
    for (const fault of faults) expect(() => resolveOptions({ faults: [fault] }), fault).not.toThrow()
  })

  it('uses only flags that there are', () => {
    const known = simulatorFlags.map(({ flag }) => flag.split(' ')[0])
    const used = faultCatalogue.flatMap(({ example }) => example.match(/--[a-z-]+/g) ?? [])
    expect(used.filter((flag) => !known.includes(flag))).toEqual([])
  })

  it('is readable as help', () => {
    expect(describeFaults()).toMatch(/^How to rehearse failures\n/)
    expect(describeFaults()).toContain('--fault batches.create:accept_then_drop')
  })
})
