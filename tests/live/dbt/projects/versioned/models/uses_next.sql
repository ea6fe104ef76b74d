select * from {{ ref('versioned', 'people', version='3') }}
