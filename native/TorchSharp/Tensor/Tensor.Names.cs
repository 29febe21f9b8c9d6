using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Names of dimensions are no arguments that the dispatcher takes boxed, so these two have entries of their own.</summary>
    public partial class Tensor
    {
        public unsafe Tensor flatten(IList<string> dims, string out_dim)
        {
            using var names = new Texts(dims.Append(out_dim));
            fixed (IntPtr* n = names.Pointers) return new Tensor(Check(ts_flatten_names(Handle, n, names.Pointers.Length)));
        }

        internal unsafe void SetNames(string[] dims)
        {
            using var names = new Texts(dims);
            fixed (IntPtr* n = names.Pointers) Check(ts_set_names(Handle, n, names.Pointers.Length));
        }

        private sealed class Texts : IDisposable
        {
            internal readonly IntPtr[] Pointers;

            internal Texts(IEnumerable<string> texts) => Pointers = texts.Select(Marshal.StringToCoTaskMemUTF8).ToArray();

            public void Dispose() => Array.ForEach(Pointers, Marshal.FreeCoTaskMem);
        }
    }
}
