"""PostgreSQL-Audit over the table of the benchmark, as its own code sets it up: `postgresql_audit_setup.py URL`."""

import sys

import sqlalchemy as sa
from postgresql_audit import VersioningManager
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import configure_mappers, declarative_base

Base = declarative_base()
manager = VersioningManager()
manager.init(Base)


class Product(Base):
    __tablename__ = "products"
    __versioned__ = {}
    id = sa.Column(sa.BigInteger, sa.Identity(), primary_key=True)
    name = sa.Column(sa.Text, nullable=False)
    sku = sa.Column(sa.Text, nullable=False)
    description = sa.Column(sa.Text, nullable=False)
    price = sa.Column(sa.Numeric(10, 2), nullable=False)
    stock = sa.Column(sa.Integer, nullable=False)
    attributes = sa.Column(JSONB, nullable=False)
    updated_at = sa.Column(sa.DateTime(timezone=True), nullable=False)


if __name__ == "__main__":
    configure_mappers()
    engine = sa.create_engine(sys.argv[1].replace("postgres://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        # The library's own tables first: what they bring is called once the tracked table is made.
        own = [manager.transaction_cls.__table__, manager.activity_cls.__table__]
        Base.metadata.create_all(connection, tables=own)
        Base.metadata.create_all(connection)
