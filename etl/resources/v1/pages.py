"""Pages: the posts of DataCite's blog."""

from etl.resources.columns import extra, key, text, timestamp
from etl.resources.v1._columns import orcid_columns, successor, title, updated
from etl.schema.declarations import Facet, Filter, Paging, Resource, Table

MAIN = Table(
    name="v1_pages",
    description="One row per page: a post of the blog.",
    columns=(
        key("id", "id", "URL of the page, lower-case."),
        title("page"),
        text("container_title", "attributes.container-title", "Name of the blog."),
        text("description", "attributes.description", "Summary of the page."),
        text("license", "attributes.license", "URL of the licence."),
        text("image_url", "attributes.image-url", "URL of an image."),
        timestamp("issued", "attributes.issued", "When the page was published."),
        updated("page"),
        extra("page"),
    ),
)

AUTHORS = Table(
    name="v1_page_authors",
    description="Authors of a page: one row per author.",
    path="attributes.author",
    columns=(
        text("type", "@type", "Person or Organization, from schema.org."),
        text("given_name", "givenName", "Given names."),
        text("family_name", "familyName", "Family name."),
        text("name", "name", "Full name."),
        *orcid_columns("@id", "author"),
    ),
)

TAGS = Table(
    name="v1_page_tags",
    description="Tags of a page: one row per tag.",
    path="attributes.tags",
    columns=(text("tag", "", "The tag."),),
)

RESOURCE = Resource(
    name="v1/pages",
    dialect="v1",
    type="pages",
    path="/pages",
    description="Posts of DataCite's blog.",
    parent="page_id",
    tables=(MAIN, AUTHORS, TAGS),
    paging=Paging.OFFSET,
    page_size=100,
    filters=(Filter(name="tag", description="Pages with a tag."),),
    facets=(Facet(name="tags", size=1000, table="v1_page_tags", column="tag"),),
    unmapped={"type": "always pages"},
    successor=successor(""),
)
