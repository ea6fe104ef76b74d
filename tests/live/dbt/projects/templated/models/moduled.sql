select '{{ modules.datetime.date(2024, 2, 28) + modules.datetime.timedelta(days=2) }}' as dt,
  '{{ modules.re.sub("[aeiou]", "_", "template") }}' as rx, '{{ modules.datetime.datetime(2024, 1, 5).strftime("%Y-%m") }}' as ym
