namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        // Its width is part of the binary interface: a compiled caller pushes an eight-byte constant.
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }
    }
}
