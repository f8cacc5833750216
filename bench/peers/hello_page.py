"""The page of the peer."""

import streamlit as st

st.title("Hello")
st.iframe("/gradio/demo/", height=400)
