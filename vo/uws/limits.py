"""What a job may ask for, and what it gets that asks for nothing."""

from datetime import timedelta

EXECUTION_DEFAULT = 600  # seconds
EXECUTION_LIMIT = 3600
RETENTION_DEFAULT = timedelta(days=7)
RETENTION_LIMIT = timedelta(days=90)
ARCHIVED_FOR = timedelta(days=90)  # the record of a job, when its result is gone

WAIT_SECONDS = 60  # for which an answer is held back, at most
ATTEMPTS = 3  # of a job whose workers are lost
AT_ONCE = 2  # jobs in one process, besides the units it computes
OPEN_JOBS = 1000  # that one person may have waiting and running

RUN_ID_LENGTH = 255
PARAMETER_LENGTH = 1_000_000  # of all parameters of a job, in characters
UPLOAD_BYTES = 64_000_000  # of all files of a job
RESULT_BYTES = 20_000_000_000
