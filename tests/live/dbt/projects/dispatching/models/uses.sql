select {{ helpers.shout("'Hi'") }} as a, {{ helpers.whisper("'Hi'") }} as b, {{ helpers.where_am_i() }} as c,
  {{ shared_word() }} as d, '{{ var("shared") }}' as e, {{ helpers.fields(['1', '2'], prefix='-') }},
  '{{ helpers.listed() | tojson | replace("'", "''") }}' as f, '{{ helpers.listed()[1]["k"] }}' as g
