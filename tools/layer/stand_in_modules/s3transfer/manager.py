"""boto3 looks at this class when it is imported, to see whether it is of a newer kind. Nothing here
moves files to S3."""


class TransferConfig:
    UNSET_DEFAULT = None
