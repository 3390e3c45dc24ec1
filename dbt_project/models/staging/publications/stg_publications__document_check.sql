select * from {{ source('lake', 'document_check') }}
